"""Passkeys of a member."""
