"""Published events of a service: searched, and published again to one queue."""
