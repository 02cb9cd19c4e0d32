"""Erasure: what is left of users some time after they deleted their accounts is their uid."""
