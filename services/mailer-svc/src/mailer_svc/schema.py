"""The schema of mailer-svc and its migrations."""

from pathlib import Path

from shared.command_line import migrate_only
from shared.contracts.services import MAILER

SCHEMA = "mailer"
MIGRATIONS = (Path(__file__).parent / "migrations",)

if __name__ == "__main__":
    migrate_only("mailer_svc.schema", MAILER, SCHEMA, MIGRATIONS)
