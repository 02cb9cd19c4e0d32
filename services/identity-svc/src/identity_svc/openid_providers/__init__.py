"""Other OpenID providers that log users in: which there are, and what they prove."""
