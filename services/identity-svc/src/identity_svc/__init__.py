"""Accounts, credentials, sessions, tokens, state and level."""
