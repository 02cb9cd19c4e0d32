"""Users: the search, and everything about one."""
