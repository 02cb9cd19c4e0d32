"""The second factor of a member."""
