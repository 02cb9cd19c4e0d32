"""Who is calling: sessions, bearer tokens, API keys."""
