"""How many users there are of each kind, kept: counting takes longer than showing a page."""
