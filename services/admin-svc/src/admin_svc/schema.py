"""The schema of admin-svc and its migrations."""

from pathlib import Path

from shared.command_line import migrate_only
from shared.contracts.services import ADMIN
from shared.database.migrate import SHARED_MIGRATIONS

SCHEMA = "admin"
MIGRATIONS = (SHARED_MIGRATIONS, Path(__file__).parent / "migrations")

if __name__ == "__main__":
    migrate_only("admin_svc.schema", ADMIN, SCHEMA, MIGRATIONS)
