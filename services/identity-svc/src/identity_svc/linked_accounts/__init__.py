"""Accounts at other OpenID providers by which a user logs in."""
