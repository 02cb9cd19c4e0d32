"""Builds every image with a real container engine, and checks what came of it."""
