"""The rules of the protocol: requests in, decisions out, without I/O."""
