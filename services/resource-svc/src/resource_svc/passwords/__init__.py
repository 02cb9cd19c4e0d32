"""Passwords: identity-svc keeps them; here their owner changes his."""
