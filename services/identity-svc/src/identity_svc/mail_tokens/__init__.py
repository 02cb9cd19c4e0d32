"""Tokens that are mailed: JWTs that work once, and how many mails an account gets."""
