"""Client ID Metadata Documents: a client's id is the URL of what the client says about itself."""
