"""The schema of oauth-svc and its migrations."""

from pathlib import Path

from shared.command_line import migrate_only
from shared.contracts.services import OAUTH
from shared.database.migrate import SHARED_MIGRATIONS

SCHEMA = "oauth"
MIGRATIONS = (SHARED_MIGRATIONS, Path(__file__).parent / "migrations")

if __name__ == "__main__":
    migrate_only("oauth_svc.schema", OAUTH, SCHEMA, MIGRATIONS)
