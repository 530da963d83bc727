{{/* What the pods of all parts have in common. */}}

{{- define "toottail.secretEnv" -}}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef:
      {{- include "toottail.databaseSecret" . | nindent 6 }}
- name: TOOTTAIL_SECRET_KEYS
  valueFrom:
    secretKeyRef:
      {{- include "toottail.keysSecret" . | nindent 6 }}
{{- end }}

{{/* Nothing is written but to /var/lib/toottail and /tmp, which end with the pod. */}}
{{- define "toottail.mounts" -}}
- name: data
  mountPath: /var/lib/toottail
- name: tmp
  mountPath: /tmp
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "toottail.volumes" -}}
- name: data
  emptyDir:
    sizeLimit: 64Mi
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "toottail.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The beginning of a pod's spec. */}}
{{- define "toottail.podBasics" -}}
automountServiceAccountToken: false
# Kubernetes' variables for services begin like our settings, and none is of use.
enableServiceLinks: false
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Which nodes a part's pods go to. Takes (list ROOT PART). */}}
{{- define "toottail.placement" -}}
{{- $root := index . 0 }}{{ $part := index . 1 }}{{ $values := index $root.Values $part }}
{{- with $values.topologySpread }}
topologySpreadConstraints:
  {{- range . }}
  - {{ toYaml . | nindent 4 | trim }}
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels:
        {{- include "toottail.selector" (list $root $part) | nindent 8 }}
  {{- end }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* A pod's labels and annotations. Changed settings make new pods. Takes (list ROOT PART). */}}
{{- define "toottail.podMetadata" -}}
{{- $root := index . 0 }}{{ $part := index . 1 }}{{ $values := index $root.Values $part -}}
labels:
  {{- include "toottail.labels" . | nindent 2 }}
  toottail/figures: told
  {{- with $values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/settings: {{ include (print $root.Template.BasePath "/settings.yaml") $root | sha256sum }}
  checksum/try-out: {{ toYaml $root.Values.tryOut | sha256sum }}
  {{- with $values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* A container's image, command, environment and rights. Takes (list ROOT PART). */}}
{{- define "toottail.container" -}}
{{- $root := index . 0 }}{{ $part := index . 1 -}}
image: {{ include "toottail.image" . | quote }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
command: [toottail, {{ $part }}]
securityContext:
  {{- include "toottail.containerSecurity" $root | nindent 2 }}
envFrom:
  - configMapRef:
      name: {{ include "toottail.fullname" $root }}-settings
resources:
  {{- toYaml (index $root.Values $part).resources | nindent 2 }}
volumeMounts:
  {{- include "toottail.mounts" $root | nindent 2 }}
{{- end }}
