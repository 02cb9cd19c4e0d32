"""Sessions: identity-svc keeps them; here their user sees and ends them."""
