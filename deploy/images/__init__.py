"""Builds every image with a real container engine, and checks the result."""
