"""Password resets: a new password for a user who forgot theirs and reads their mail."""
