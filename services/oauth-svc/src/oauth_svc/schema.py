"""The schema of oauth-svc and its migrations."""

from pathlib import Path

from shared.database.migrate import SHARED_MIGRATIONS

SCHEMA = "oauth"
MIGRATIONS = (SHARED_MIGRATIONS, Path(__file__).parent / "migrations")
