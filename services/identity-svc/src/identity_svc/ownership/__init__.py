"""Ownership: whoever proves an address owns its account, and what others made in it ends."""
