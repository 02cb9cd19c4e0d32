"""Access by whitelink: who has one lets his own address in."""
