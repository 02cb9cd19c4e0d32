"""Log-ins by mail: a link and a code that are mailed take the place of the password."""
