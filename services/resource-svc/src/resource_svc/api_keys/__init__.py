"""API keys: programs sign calls with them for a user, who needs a second factor to make one."""
