"""Export and deletion of a member's data."""
