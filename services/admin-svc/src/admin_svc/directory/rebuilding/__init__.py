"""Building the directory anew from its owners, while everything runs."""
