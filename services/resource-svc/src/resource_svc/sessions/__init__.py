"""Sessions: identity-svc stores them; here their user sees and ends them."""
