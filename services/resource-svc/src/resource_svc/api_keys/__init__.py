"""API keys: how programs call in the name of a user; they need his second factor to be made."""
