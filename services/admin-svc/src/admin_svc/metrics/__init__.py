"""What happened by day and by hour: sign-ups, log-ins, refusals, and reviews that wait."""
