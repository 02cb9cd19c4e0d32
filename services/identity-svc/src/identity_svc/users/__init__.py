"""Accounts: who there is.

No other feature reads or writes the table `users`, but for the store of sessions, which joins it to
get a session with its user in one round trip.
"""
