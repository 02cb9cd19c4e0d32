"""The keys that sign tokens and events; nobody but identity-svc has them."""
