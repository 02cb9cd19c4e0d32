"""The schema of webhooks-svc and its migrations."""

from pathlib import Path

from shared.command_line import migrate_only
from shared.contracts.services import WEBHOOKS
from shared.database.migrate import SHARED_MIGRATIONS

SCHEMA = "webhooks"
MIGRATIONS = (SHARED_MIGRATIONS, Path(__file__).parent / "migrations")

if __name__ == "__main__":
    migrate_only("webhooks_svc.schema", WEBHOOKS, SCHEMA, MIGRATIONS)
