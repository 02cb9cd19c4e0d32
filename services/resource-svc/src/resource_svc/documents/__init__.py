"""Documents: what users upload to prove who they are. The files lie in an object storage."""
