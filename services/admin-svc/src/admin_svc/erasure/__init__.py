"""Erasure: forgetting users whom identity-svc has erased."""
