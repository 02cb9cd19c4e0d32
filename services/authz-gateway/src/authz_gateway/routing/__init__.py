"""Which upstream a path belongs to."""
