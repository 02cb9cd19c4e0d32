"""Log-out: begun by clients, and told to clients."""
