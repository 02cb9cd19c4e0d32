"""Data storages that administrators delete at resource-svc, which owns them."""
