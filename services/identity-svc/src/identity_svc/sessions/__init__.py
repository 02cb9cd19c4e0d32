"""Sessions: opened, resolved for the gateway, listed, and ended."""
