"""The second factor: identity-svc keeps it; here its owner turns it on and off."""
