"""The schema of webhooks-svc and its migrations."""

from pathlib import Path

from shared.database.migrate import SHARED_MIGRATIONS

SCHEMA = "webhooks"
MIGRATIONS = (SHARED_MIGRATIONS, Path(__file__).parent / "migrations")
