"""Recovery codes, for members who have lost their second factor."""
