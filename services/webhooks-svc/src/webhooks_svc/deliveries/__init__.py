"""Deliveries of events to endpoints: what waits, what was sent, and what came of it."""
