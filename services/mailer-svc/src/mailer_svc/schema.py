"""The schema of mailer-svc and its migrations."""

from pathlib import Path

SCHEMA = "mailer"
MIGRATIONS = (Path(__file__).parent / "migrations",)
