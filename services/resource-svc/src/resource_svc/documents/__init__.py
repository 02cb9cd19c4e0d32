"""Documents: what users upload to prove who they are; the files lie in an object storage."""
