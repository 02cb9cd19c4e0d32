"""Labels that administrators give to users; resource-svc keeps them."""
