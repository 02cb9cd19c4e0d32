"""Access by whitelink: a caller who has a link lets their own address in."""
