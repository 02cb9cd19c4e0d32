"""An existing Barong's tables as CSV, made to measure."""

import csv
import secrets
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path

import bcrypt

from tests.support.system import PASSWORD

# The least cost, or a thousand log-ins would take minutes.
DIGEST = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2a$")
USER = {
    "password_digest": DIGEST,
    "role": "member",
    "data": "",
    "level": "1",
    "otp": "0",
    "state": "active",
    "referral_id": "NULL",
    "created_at": "2021-03-04 05:06:07",
    "updated_at": "2022-03-04 05:06:07.123456",
}
LABEL = {
    "key": "email",
    "value": "verified",
    "scope": "private",
    "description": "",
    "created_at": "2021-03-04 05:07:00",
    "updated_at": "2021-03-04 05:07:00",
}

_ids = count(1)

Row = Mapping[str, str]


def a_user(**values: str) -> dict[str, str]:
    """A row of users.csv: an active member of level 1, unless `values` say otherwise."""
    number = next(_ids)
    return {
        "id": str(number),
        "uid": f"ID{secrets.token_hex(5).upper()}",
        "email": f"imported{number}@example.com",
        **USER,
        **values,
    }


def a_label(user: Row, **values: str) -> dict[str, str]:
    """A row of labels.csv: `email:verified` of this user, unless `values` say otherwise."""
    return {"id": str(next(_ids)), "user_id": user["id"], **LABEL, **values}


def export(folder: Path, users: Iterable[Row], labels: Iterable[Row] = ()) -> Path:
    """The folder with both files; columns are those of the first row."""
    folder.mkdir(exist_ok=True)
    for name, rows in (("users", list(users)), ("labels", list(labels))):
        if rows:
            with (folder / f"{name}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, rows[0])
                writer.writeheader()
                writer.writerows(rows)
    return folder


def report(folder: Path, name: str) -> dict[int, list[str]]:
    """A report's reasons by line; none where there is no report."""
    path = folder / f"{name}.csv"
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {int(row["line"]): row["reasons"].split() for row in csv.DictReader(file)}
