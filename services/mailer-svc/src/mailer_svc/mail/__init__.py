"""Mails: their content, their recipients and their relay."""
