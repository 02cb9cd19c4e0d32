"""The policy that gateways follow: changed one change at a time, read all at once."""
