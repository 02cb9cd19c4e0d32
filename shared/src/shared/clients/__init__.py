"""Clients of the services' internal APIs."""
