{{/* The names of all objects, and the labels on them. */}}

{{- define "toottail.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "toottail.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "toottail.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "toottail.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What picks one part's pods: never changes. Takes (list ROOT PART). */}}
{{- define "toottail.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "toottail.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* What picks all pods that tell figures. */}}
{{- define "toottail.allParts" -}}
app.kubernetes.io/name: {{ include "toottail.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
toottail/figures: told
{{- end }}

{{/* Takes (list ROOT PART). */}}
{{- define "toottail.labels" -}}
{{- $root := index . 0 -}}
{{ include "toottail.selector" . }}
app.kubernetes.io/part-of: toottail
app.kubernetes.io/version: {{ include "toottail.tag" $root | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "toottail.tag" -}}
{{- default .Chart.AppVersion .Values.image.tag }}
{{- end }}

{{/* Takes (list ROOT PART). */}}
{{- define "toottail.image" -}}
{{- $root := index . 0 -}}
{{- printf "%s-%s:%s" $root.Values.image.repository (index . 1) (include "toottail.tag" $root) }}
{{- end }}

{{- define "toottail.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "toottail.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The host and port of serviceUrl, as browsers name it; without the port for an Ingress. */}}
{{- define "toottail.authority" -}}
{{- trimPrefix "https://" .Values.serviceUrl }}
{{- end }}

{{- define "toottail.host" -}}
{{- regexReplaceAll ":[0-9]+$" (include "toottail.authority" .) "" }}
{{- end }}

{{/* Where the database's URL and the keys are: name and entry of a Secret. */}}
{{- define "toottail.databaseSecret" -}}
{{- if .Values.database.cloudnativepg.cluster -}}
name: {{ .Values.database.cloudnativepg.cluster }}-app
key: uri
{{- else if .Values.database.existingSecret -}}
name: {{ .Values.database.existingSecret }}
key: {{ .Values.database.key }}
{{- else -}}
name: {{ include "toottail.fullname" . }}-try-out
key: database-url
{{- end }}
{{- end }}

{{- define "toottail.keysSecret" -}}
{{- if .Values.secretKeys.existingSecret -}}
name: {{ .Values.secretKeys.existingSecret }}
key: {{ .Values.secretKeys.key }}
{{- else -}}
name: {{ include "toottail.fullname" . }}-try-out
key: secret-keys
{{- end }}
{{- end }}

{{/* Whether the tables are made by a plain job: on the first install with a database of our own
there is none yet when hooks run. */}}
{{- define "toottail.migratesBeside" -}}
{{- if and .Release.IsInstall .Values.database.cloudnativepg.create }}yes{{ end }}
{{- end }}
