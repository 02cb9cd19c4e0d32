"""Log-out, begun by clients, and sent to clients."""
