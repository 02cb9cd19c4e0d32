"""New passwords for those who forgot theirs and read their mail."""
