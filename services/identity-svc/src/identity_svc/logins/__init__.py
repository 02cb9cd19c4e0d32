"""Log-ins: a password, and a code where the account has a second factor, open a session."""
