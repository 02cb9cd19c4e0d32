"""Sign-ups: new accounts, and the first superadmin."""
