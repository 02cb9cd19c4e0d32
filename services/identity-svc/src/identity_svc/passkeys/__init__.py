"""Passkeys: keys of authenticators, by which users log in without a password (WebAuthn)."""
