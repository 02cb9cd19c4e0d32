"""Verifications: a user with a session proves once more who they are (step-up, RFC 9470)."""
