"""What administrators change at users; identity-svc makes the changes."""
