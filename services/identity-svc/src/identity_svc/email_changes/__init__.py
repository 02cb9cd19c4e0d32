"""Changes of e-mail addresses: proven at the new one, and taken back from the old one."""
