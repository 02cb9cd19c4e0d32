"""Data storages that administrators delete; resource-svc keeps them."""
