"""Sign-up, and the confirmation of the address."""
