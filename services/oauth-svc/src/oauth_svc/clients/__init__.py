"""Clients: the applications that ask for authorization."""
