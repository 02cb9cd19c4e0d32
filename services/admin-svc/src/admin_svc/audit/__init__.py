"""Who changed what: every administrator's change, in a chain that nobody can rewrite unseen."""
