"""What administrators change at an account: its state, its role."""
