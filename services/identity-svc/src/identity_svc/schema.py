"""The schema of identity-svc and its migrations."""

from pathlib import Path

from shared.command_line import migrate_only
from shared.contracts.services import IDENTITY
from shared.database.migrate import SHARED_MIGRATIONS

SCHEMA = "identity"
MIGRATIONS = (SHARED_MIGRATIONS, Path(__file__).parent / "migrations")

if __name__ == "__main__":
    migrate_only("identity_svc.schema", IDENTITY, SCHEMA, MIGRATIONS)
