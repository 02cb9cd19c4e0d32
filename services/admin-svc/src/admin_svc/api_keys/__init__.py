"""API keys of users, read at resource-svc, which owns them."""
