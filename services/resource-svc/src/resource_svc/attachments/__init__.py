"""Attachments: the SQL that features with records of users share, and snapshots of them."""
