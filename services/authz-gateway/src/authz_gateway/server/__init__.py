"""The side that clients see: their connections, their requests, and the answers in order."""
