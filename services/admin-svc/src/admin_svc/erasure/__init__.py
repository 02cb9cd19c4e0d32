"""Forgetting users whom identity-svc has erased."""
