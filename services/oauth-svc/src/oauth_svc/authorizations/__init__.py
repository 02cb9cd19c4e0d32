"""Authorization requests: log-in and consent by challenge, and codes."""
