"""Users as resource-svc knows them: a replica of identity-svc's, and what is attached to them."""
