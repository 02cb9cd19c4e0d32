"""HTTP/1.1 on the wire: whatever two readers could understand differently is refused."""
