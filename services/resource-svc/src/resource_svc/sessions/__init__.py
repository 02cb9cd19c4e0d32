"""A user's own sessions: identity-svc keeps them; here he sees them and ends them."""
