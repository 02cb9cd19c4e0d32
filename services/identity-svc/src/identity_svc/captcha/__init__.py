"""Captchas: whether somebody solved one before he may go on."""
