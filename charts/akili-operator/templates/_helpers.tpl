{{/*
Names are fixed, as one operator works in a cluster: its policies, the tenants' roles
and the leader's Lease have one name, whatever the release is called.
*/}}

{{/* What the Deployment, the Service and the PodDisruptionBudget know pods by. */}}
{{- define "akili-operator.selector" -}}
app.kubernetes.io/name: akili-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The labels of every object. */}}
{{- define "akili-operator.labels" -}}
{{ include "akili-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{/* The operator's variables that hold a secret: from which entry of which Secret. */}}
{{- define "akili-operator.secrets" -}}
AKILI_POSTGRES__PASSWORD: {{ .Values.postgres.passwordSecret | toJson }}
AKILI_OBJECT_STORE__ACCESS_KEY: {{ .Values.objectStore.accessKeySecret | toJson }}
AKILI_OBJECT_STORE__SECRET_KEY: {{ .Values.objectStore.secretKeySecret | toJson }}
AKILI_KAFKA__PASSWORD: {{ .Values.kafka.passwordSecret | toJson }}
AKILI_STARROCKS__PASSWORD: {{ .Values.starrocks.passwordSecret | toJson }}
{{- end }}

{{/* The backends whose certificate authority is given: in which entry of which Secret. */}}
{{- define "akili-operator.authorities" -}}
{{- $all := dict "postgres" .Values.postgres "object-store" .Values.objectStore "kafka" .Values.kafka "starrocks" .Values.starrocks }}
{{- range $backend, $secrets := $all }}
{{- if $secrets.caSecret.name }}
{{ $backend }}: {{ $secrets.caSecret | toJson }}
{{- end }}
{{- end }}
{{- end }}
