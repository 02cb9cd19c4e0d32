"""Mechanism used by every Barong service, and the contracts between them."""
