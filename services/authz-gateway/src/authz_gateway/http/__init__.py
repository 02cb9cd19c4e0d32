"""HTTP/1.1 towards clients: connections, requests in, and answers out in their order."""
