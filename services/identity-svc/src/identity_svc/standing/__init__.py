"""A user's standing: the state and level that his private labels give him."""
