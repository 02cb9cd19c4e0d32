"""What a member did."""
