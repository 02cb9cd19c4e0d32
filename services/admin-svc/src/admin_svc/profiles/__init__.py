"""Profiles that administrators correct and judge; resource-svc keeps them."""
