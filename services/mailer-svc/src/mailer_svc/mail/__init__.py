"""Mails: what they say, whom they reach and how they leave."""
