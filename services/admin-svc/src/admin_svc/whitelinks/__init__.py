"""Links with which callers lift the restrictions for their own address."""
