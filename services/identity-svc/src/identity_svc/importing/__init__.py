"""Users of an existing Barong, taken over from its tables as CSV."""
