"""What happened on each day: sign-ups and log-ins, counted as they are told of."""
