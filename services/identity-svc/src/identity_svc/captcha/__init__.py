"""Captchas: proof that a person is calling, which some operations require."""
