"""Events between a transaction here and a reaction elsewhere: none lost, duplicates harmless."""
