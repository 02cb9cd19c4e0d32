"""Authorization: the decision pipeline, policy, restrictions, rate limits and decision cache."""
