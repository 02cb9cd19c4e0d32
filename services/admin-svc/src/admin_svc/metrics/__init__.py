"""What happened on each day: sign-ups, log-ins, and documents that wait."""
