"""The audit log: what users and administrators did and were refused."""
