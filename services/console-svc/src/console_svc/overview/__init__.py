"""What happened: sign-ups, log-ins and refusals, as charts."""
