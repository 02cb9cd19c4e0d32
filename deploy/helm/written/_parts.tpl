{{- /* Parts that the other templates include. */ -}}

{{- define "barong.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "barong.image" -}}
{{- $image := (index . 0).Values.image -}}
{{- with $image.registry }}{{ . }}/{{ end -}}
{{- with $image.repository }}{{ . }}/{{ end -}}
{{- index . 1 }}:{{ $image.tag | default (index . 0).Chart.AppVersion }}
{{- end }}

{{- define "barong.pullPolicy" -}}
{{- with .Values.image.pullPolicy }}imagePullPolicy: {{ . }}{{ end }}
{{- end }}

{{- define "barong.pullSecrets" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "barong.env" -}}
{{- with .env -}}
env:
{{- range $name, $value := . }}
  - name: {{ $name }}
    value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "barong.postgresCaMount" -}}
{{- if .Values.postgres.ca.secret -}}
- {name: postgres-ca, mountPath: /etc/postgres, readOnly: true}
{{- end }}
{{- end }}

{{- define "barong.postgresCaVolume" -}}
{{- with .Values.postgres.ca -}}
{{- if .secret -}}
- name: postgres-ca
  secret:
    secretName: {{ .secret }}
    items: [{key: {{ .key }}, path: ca.crt}]
{{- end }}
{{- end }}
{{- end }}

{{- define "barong.settings" -}}
{{- range $name, $value := .Values.settings }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end }}

{{- define "barong.config" -}}
{{- $replaced := .Values.config -}}
{{- range $path, $_ := .Files.Glob "files/config/*" }}
{{- $name := base $path }}
{{ $name }}: {{ get $replaced $name | default ($.Files.Get $path) | toJson }}
{{- end }}
{{- end }}

{{- define "barong.checksum" -}}
{{- printf "%s%s" (include "barong.settings" .) (include "barong.config" .) | sha256sum }}
{{- end }}
