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
