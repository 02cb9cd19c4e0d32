"""From where calls may come: the restrictions table and its changes."""
