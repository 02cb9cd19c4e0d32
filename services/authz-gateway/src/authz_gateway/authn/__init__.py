"""Authentication: sessions, bearer tokens and API keys."""
