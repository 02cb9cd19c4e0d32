"""Activities: what a user did in their account, as admin-svc stores it."""
