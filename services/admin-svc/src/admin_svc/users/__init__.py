"""Changes that administrators make to users, at identity-svc, which owns them."""
