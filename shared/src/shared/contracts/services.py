"""The names of the services, as they stand in tokens, logs and metrics."""

IDENTITY = "identity-svc"
RESOURCE = "resource-svc"
ADMIN = "admin-svc"
GATEWAY = "authz-gateway"
MAILER = "mailer-svc"
WEBHOOKS = "webhooks-svc"
CONSOLE = "console-svc"
