"""API keys that administrators look at; resource-svc keeps them."""
