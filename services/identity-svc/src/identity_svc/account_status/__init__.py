"""Account status: the state and level that private labels give, and what ends with a state."""
