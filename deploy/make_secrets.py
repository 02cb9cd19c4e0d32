"""New secrets for an installation, from the standard library: `python3 -m deploy.make_secrets`."""

import argparse
import base64
import hashlib
import json
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local import private_files

_FOLDER = Path(__file__).parent / "secrets"
_DATABASES = ("identity", "resource", "admin", "mailer", "webhooks", "oauth")
_SERVICES = (
    *("identity-svc", "resource-svc", "admin-svc", "authz-gateway"),
    *("mailer-svc", "webhooks-svc", "oauth-svc"),
)
_SEALING = ("identity-svc", "resource-svc", "webhooks-svc")
_VERIFIED = "?sslmode=verify-full&sslrootcert=/etc/postgres/ca.crt"
_Values = Mapping[str, str]


def main() -> None:
    """Make secrets for what the first argument names; nothing that exists is overwritten."""
    parser = argparse.ArgumentParser(prog="python3 -m deploy.make_secrets", description=__doc__)
    parser.add_argument(
        "target",
        choices=["compose", "local", "production"],
        help="compose: env files in deploy/secrets; the others: Secrets for `kubectl create -f -`",
    )
    parser.add_argument("--superadmin", default="admin@barong.io", help="their e-mail address")
    given = parser.parse_args()
    if given.target == "compose":
        _write_compose(given.superadmin)
    else:
        json.dump(_kubernetes(given.superadmin, given.target), sys.stdout, indent=2)


def _write_compose(superadmin: str) -> None:
    passwords = _passwords()
    files = {
        **_services(passwords, "postgres", ""),
        "superadmin": _superadmin(superadmin),
        "postgres": {
            "POSTGRES_USER": "barong",
            "POSTGRES_DB": "barong",
            **_database_passwords(passwords),
        },
    }
    try:
        _FOLDER.mkdir(mode=0o700)
    except FileExistsError:
        sys.exit(f"{_FOLDER} is there already: secrets in use are not replaced")
    for name, values in files.items():
        lines = (f"{key}={value}\n" for key, value in values.items())
        private_files.write(_FOLDER / f"{name}.env", "".join(lines))
    users = _FOLDER / "rabbitmq-users.json"
    private_files.write(users, _rabbitmq_users(passwords))
    # Read inside the container by another user; outside, the folder is closed to others.
    users.chmod(0o644)


def _kubernetes(superadmin: str, target: str) -> dict[str, object]:
    """A List of all Secrets that the overlay `target` refers to, and that have no giver else."""
    passwords = _passwords()
    made = [
        *(
            _secret(name, values)
            for name, values in _services(
                passwords, "postgres-rw", _VERIFIED if target == "production" else ""
            ).items()
        ),
        _secret("superadmin", _superadmin(superadmin)),
    ]
    if target == "production":
        made += [_login(f"postgres-{n}", f"barong_{n}", passwords[n]) for n in _DATABASES]
        made += [_login(f"rabbitmq-{name}", name, passwords[name]) for name in _SERVICES]
    else:
        made += [
            _secret("postgres", _database_passwords(passwords)),
            _secret("rabbitmq-users", {"10-users.json": _rabbitmq_users(passwords)}),
        ]
    return {"apiVersion": "v1", "kind": "List", "items": made}


def _services(passwords: _Values, host: str, options: str) -> dict[str, dict[str, str]]:
    """What each service is told and nobody else."""
    service_keys = _key()
    made = {
        name: {
            "AMQP_URL": f"amqp://{name}:{passwords[name]}@rabbitmq:5672/barong",
            "BARONG_SERVICE_KEYS": service_keys,
        }
        for name in _SERVICES
    }
    for name in _SEALING:
        made[name]["BARONG_MASTER_KEYS"] = _key()
    for database in _DATABASES:
        made[f"{database}-svc"]["DATABASE_URL"] = (
            f"postgresql://barong_{database}:{passwords[database]}@{host}:5432/barong{options}"
        )
    return made


def _passwords() -> dict[str, str]:
    return {name: secrets.token_hex(24) for name in (*_DATABASES, *_SERVICES, "postgres")}


def _database_passwords(passwords: _Values) -> _Values:
    return {
        "POSTGRES_PASSWORD": passwords["postgres"],
        **{f"{name.upper()}_DATABASE_PASSWORD": passwords[name] for name in _DATABASES},
    }


def _superadmin(email: str) -> _Values:
    # A letter of each kind, whatever chance brings.
    return {
        "BARONG_SUPERADMIN_EMAIL": email,
        "BARONG_SUPERADMIN_PASSWORD": f"{secrets.token_urlsafe(15)}-aA1",
    }


def _key() -> str:
    return f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _rabbitmq_users(passwords: _Values) -> str:
    """Definitions that RabbitMQ loads when it starts; deploy/rabbitmq has what they may do."""
    users = [
        {
            "name": name,
            "password_hash": _rabbitmq_hash(passwords[name]),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": [],
        }
        for name in _SERVICES
    ]
    return json.dumps({"users": users}, indent=2)


def _rabbitmq_hash(password: str) -> str:
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _login(name: str, username: str, password: str) -> dict[str, object]:
    values = {"username": username, "password": password}
    # CloudNativePG applies a changed password at once when it finds this label.
    return _secret(name, values, "kubernetes.io/basic-auth", {"cnpg.io/reload": "true"})


def _secret(
    name: str, values: _Values, kind: str = "Opaque", labels: _Values | None = None
) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": dict(labels or {})},
        "type": kind,
        "stringData": dict(values),
    }


if __name__ == "__main__":
    main()
