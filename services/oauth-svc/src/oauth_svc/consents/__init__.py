"""What users allowed clients."""
