"""Who was let pass where that is audited, and who was refused: told before the call is answered."""
