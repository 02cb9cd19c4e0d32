"""The keys that sign tokens and events; only identity-svc has them."""
