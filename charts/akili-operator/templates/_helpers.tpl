{{/*
Names are fixed, as one operator works in a cluster: its policies, the tenants' roles
and the leader's Lease have the same names in every release.
*/}}

{{/* Labels by which the Deployment, the Service and the PodDisruptionBudget select pods. */}}
{{- define "akili-operator.selector" -}}
app.kubernetes.io/name: akili-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "akili-operator.labels" -}}
{{ include "akili-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{/* Environment variables with secrets, each with the Secret and its key. */}}
{{- define "akili-operator.secrets" -}}
AKILI_POSTGRES__PASSWORD: {{ .Values.postgres.passwordSecret | toJson }}
AKILI_OBJECT_STORE__ACCESS_KEY: {{ .Values.objectStore.accessKeySecret | toJson }}
AKILI_OBJECT_STORE__SECRET_KEY: {{ .Values.objectStore.secretKeySecret | toJson }}
AKILI_KAFKA__PASSWORD: {{ .Values.kafka.passwordSecret | toJson }}
AKILI_STARROCKS__PASSWORD: {{ .Values.starrocks.passwordSecret | toJson }}
{{- end }}

{{/* Backends with a certificate authority of their own, each with the Secret and its key. */}}
{{- define "akili-operator.authorities" -}}
{{- $all := dict "postgres" .Values.postgres "object-store" .Values.objectStore "kafka" .Values.kafka "starrocks" .Values.starrocks }}
{{- range $backend, $secrets := $all }}
{{- if $secrets.caSecret.name }}
{{ $backend }}: {{ $secrets.caSecret | toJson }}
{{- end }}
{{- end }}
{{- end }}
