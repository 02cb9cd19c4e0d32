"""The schema of resource-svc and its migrations."""

from pathlib import Path

from shared.command_line import migrate_only
from shared.contracts.services import RESOURCE
from shared.database.migrate import SHARED_MIGRATIONS

SCHEMA = "resource"
MIGRATIONS = (SHARED_MIGRATIONS, Path(__file__).parent / "migrations")

if __name__ == "__main__":
    migrate_only("resource_svc.schema", RESOURCE, SCHEMA, MIGRATIONS)
