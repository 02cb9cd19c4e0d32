"""The schema of identity-svc and its migrations."""

from pathlib import Path

from shared.database.migrate import SHARED_MIGRATIONS

SCHEMA = "identity"
MIGRATIONS = (SHARED_MIGRATIONS, Path(__file__).parent / "migrations")
