"""The session in which a browser is logged in, which is identity-svc's."""
