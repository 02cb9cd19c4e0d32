"""PostgreSQL: a pool for one schema, its migrations, and units of work."""
