"""Values that all folders share; they depend on no other folder."""
