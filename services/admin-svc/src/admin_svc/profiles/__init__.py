"""Profiles that administrators correct and judge, at resource-svc, which owns them."""
