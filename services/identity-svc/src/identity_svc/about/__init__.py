"""What the installation tells of itself."""
