"""The levels that a user can reach."""
