"""Sessions: opened by those who prove who they are, resolved for the gateway, and ended."""
