"""The page that takes a whitelink."""
