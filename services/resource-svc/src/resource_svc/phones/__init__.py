"""Phones: numbers that users add, and prove to be theirs with a code that is sent there."""
