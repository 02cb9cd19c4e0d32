"""Sessions of a member."""
