"""What anybody may ask about the installation."""
