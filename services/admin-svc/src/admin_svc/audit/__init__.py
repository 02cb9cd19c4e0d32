"""The audit trail: every administrator's change, in a chain that nobody can rewrite unnoticed."""
