"""The directory: users as administrators look for them, kept from events."""
