"""Deliveries of events to endpoints: those that wait, and the outcome of those that were sent."""
