"""Whoever proves an address owns its account: what others made of it before ends."""
