"""Browsers that began a log-in and have to come back for it."""
