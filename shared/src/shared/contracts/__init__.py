"""What services agree on: events, queues and the internal API."""
