"""Labels that administrators give to users, at resource-svc, which owns them."""
