"""Accounts: a user deletes theirs."""
