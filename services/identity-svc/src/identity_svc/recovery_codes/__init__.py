"""Recovery codes: each replaces one code of a lost authenticator."""
