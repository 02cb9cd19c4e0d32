"""The profile of a member."""
