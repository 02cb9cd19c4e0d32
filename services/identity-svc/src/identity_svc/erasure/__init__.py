"""Erasure: some time after users deleted their accounts, nothing but the uid is left."""
