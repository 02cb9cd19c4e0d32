"""The second factor: identity-svc stores it; here its user turns it on and off."""
