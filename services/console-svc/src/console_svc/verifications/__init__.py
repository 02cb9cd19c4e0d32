"""Proving once more who one is (step-up)."""
