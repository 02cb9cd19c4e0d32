"""Log-in by another OpenID provider."""
