"""Passwords: identity-svc stores them; here their users change them."""
