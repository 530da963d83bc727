{{/* Rules of network policies, as lists. */}}

{{/* Who reads the figures; nobody where nobody is named and nothing is set up to. */}}
{{- define "toottail.fromMonitors" -}}
{{- if or .Values.networkPolicy.metricsFrom .Values.monitoring.serviceMonitor.enabled -}}
- ports:
    - {port: metrics, protocol: TCP}
  {{- with .Values.networkPolicy.metricsFrom }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "toottail.toDns" -}}
- to:
    {{- toYaml .Values.networkPolicy.dnsTo | nindent 4 }}
  ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end }}

{{- define "toottail.toDatabase" -}}
- ports:
    - {port: {{ .Values.networkPolicy.databasePort }}, protocol: TCP}
  {{- if .Values.networkPolicy.databaseTo }}
  to:
    {{- toYaml .Values.networkPolicy.databaseTo | nindent 4 }}
  {{- else if .Values.database.cloudnativepg.cluster }}
  to:
    - podSelector:
        matchLabels:
          cnpg.io/cluster: {{ .Values.database.cloudnativepg.cluster }}
  {{- end }}
{{- end }}

{{/* Other servers, on the one port that is ever asked. */}}
{{- define "toottail.toInternet" -}}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: {{ toJson .Values.networkPolicy.notInternet.ipv4 }}
    - ipBlock:
        cidr: ::/0
        except: {{ toJson .Values.networkPolicy.notInternet.ipv6 }}
  ports:
    - {port: 443, protocol: TCP}
{{- with .Values.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}
