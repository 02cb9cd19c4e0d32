"""Plain pages for log-in, consent and log-out."""
