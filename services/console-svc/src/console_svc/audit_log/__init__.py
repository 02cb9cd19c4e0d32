"""Activities of users, and audits of administrators."""
