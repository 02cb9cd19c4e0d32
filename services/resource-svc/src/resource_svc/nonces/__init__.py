"""Nonces of signed calls: each works once, whichever gateway gets the call."""
