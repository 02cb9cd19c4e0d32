"""The gateway: authenticates, authorizes and forwards every call."""
