"""Users: a replica of identity-svc's, and what is attached to each of them."""
