"""Phones: numbers that a user gives, and proves to be his with a code that is sent there."""
