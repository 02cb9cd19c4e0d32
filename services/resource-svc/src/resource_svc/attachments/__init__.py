"""Attachments as other services are told of them: whole sets, with their versions."""
