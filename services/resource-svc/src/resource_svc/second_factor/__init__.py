"""The second factor: identity-svc keeps it; here its user turns it on and off."""
