"""Events that a service could not handle."""
