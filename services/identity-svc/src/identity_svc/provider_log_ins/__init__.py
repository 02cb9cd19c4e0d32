"""Log-ins under way at another OpenID provider: the question, and the answer that comes back."""
