"""Accounts of a member at other OpenID providers."""
