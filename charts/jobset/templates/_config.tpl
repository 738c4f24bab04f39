{{/* The configuration file: what `jobset manifests` writes, with the values in it. */}}
{{- define "jobset.config" -}}
apiVersion: config.jobset.x-k8s.io/v1alpha1
kind: Configuration
health:
  healthProbeBindAddress: :8081
metrics:
  bindAddress: :8443
webhook:
  port: 9443
leaderElection:
  leaderElect: {{ .Values.controller.leaderElection.enable }}
internalCertManagement:
  enable: {{ not .Values.certManager.enable }}
  webhookServiceName: {{ include "jobset.fullname" . }}-webhook-service
  webhookSecretName: {{ include "jobset.fullname" . }}-webhook-server-cert
clientConnection:
  qps: {{ .Values.controller.clientConnection.qps }}
  burst: {{ .Values.controller.clientConnection.burst }}
{{- with .Values.controller.featureGates }}
featureGates:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
