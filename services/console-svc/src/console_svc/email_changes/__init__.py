"""Changes of the e-mail address."""
