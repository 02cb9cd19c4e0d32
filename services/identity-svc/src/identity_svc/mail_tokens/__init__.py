"""Tokens that prove their bearer reads a user's mail: JWTs that work once."""
