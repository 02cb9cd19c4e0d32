"""The names of the services, as tokens, logs and metrics give them."""

IDENTITY = "identity-svc"
RESOURCE = "resource-svc"
ADMIN = "admin-svc"
GATEWAY = "authz-gateway"
MAILER = "mailer-svc"
