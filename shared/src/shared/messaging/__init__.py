"""Events, from a transaction in one service to a reaction in another: at least once."""
