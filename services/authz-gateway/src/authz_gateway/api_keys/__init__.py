"""Whose API key a call is signed with."""
