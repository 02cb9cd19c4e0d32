"""Documents of a member."""
