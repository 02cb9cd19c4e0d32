"""Nonces of signed calls: whichever gateway a call comes to, each works once."""
