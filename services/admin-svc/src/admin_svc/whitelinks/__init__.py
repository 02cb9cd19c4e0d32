"""Links with which a caller lifts the restrictions for his own address."""
