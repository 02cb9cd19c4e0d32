"""The endpoints to which events are delivered."""
