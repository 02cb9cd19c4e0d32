"""API keys of a member."""
