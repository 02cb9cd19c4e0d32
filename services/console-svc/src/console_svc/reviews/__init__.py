"""The queue of documents that wait for a verdict."""
