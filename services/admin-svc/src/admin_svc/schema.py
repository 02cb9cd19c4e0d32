"""The schema of admin-svc and its migrations."""

from pathlib import Path

from shared.database.migrate import SHARED_MIGRATIONS

SCHEMA = "admin"
MIGRATIONS = (SHARED_MIGRATIONS, Path(__file__).parent / "migrations")
