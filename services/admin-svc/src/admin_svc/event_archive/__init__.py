"""Published events of all services, searched, and replayed by the services that own them."""
