"""Who may do what: the permissions table and its changes."""
