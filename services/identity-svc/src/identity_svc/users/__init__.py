"""Accounts: who there is."""
