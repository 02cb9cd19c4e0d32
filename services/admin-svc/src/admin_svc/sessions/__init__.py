"""Sessions of users, which administrators see and end at identity-svc."""
