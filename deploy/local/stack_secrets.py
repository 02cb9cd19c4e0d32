"""The local stack's secrets, made once and kept."""

import base64
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import env_file
from deploy.local.postgres import SCHEMAS

_STRONG = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{20}")


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys in the form `id:base64`, and passwords; `roles` has the one of each database role."""

    master_keys: str
    service_keys: str
    superadmin_password: str
    roles: Mapping[str, str]


def load_or_make(file: Path) -> Secrets:
    """Return the secrets in `file`, having added those that are missing."""
    kept = env_file.read(file)
    values = {
        "BARONG_MASTER_KEYS": _key(),
        "BARONG_SERVICE_KEYS": _key(),
        "BARONG_SUPERADMIN_PASSWORD": _password(),
        **{_variable(schema): secrets.token_hex(24) for schema in SCHEMAS},
        **kept,
    }
    if values != kept:
        env_file.write(file, values)
    return Secrets(
        master_keys=values["BARONG_MASTER_KEYS"],
        service_keys=values["BARONG_SERVICE_KEYS"],
        superadmin_password=values["BARONG_SUPERADMIN_PASSWORD"],
        roles={schema: values[_variable(schema)] for schema in SCHEMAS},
    )


def _variable(schema: str) -> str:
    return f"{schema.upper()}_DATABASE_PASSWORD"


def _key() -> str:
    return f"local1:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _password() -> str:
    # Fifteen bytes make twenty characters, nearly always of all kinds.
    while not _STRONG.fullmatch(password := secrets.token_urlsafe(15)):
        pass
    return password
