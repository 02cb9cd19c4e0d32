"""Applications of others to which a member has consented."""
