"""Passwords: identity-svc keeps them; here their user changes theirs."""
