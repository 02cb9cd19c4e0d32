"""`make settings`: the reference of every setting, made of the services' own declarations."""

import dataclasses
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from admin_svc.settings import AdminSettings
from authz_gateway.settings import GatewaySettings
from console_svc.settings import ConsoleSettings
from identity_svc.settings import IdentitySettings
from mailer_svc.settings import MailerSettings
from oauth_svc.settings import OAuthSettings
from resource_svc.settings import ResourceSettings
from webhooks_svc.settings import WebhooksSettings

REFERENCE = Path(__file__).parents[1] / "docs" / "operators" / "settings.md"

SERVICES: dict[str, type[Any]] = {
    "identity-svc": IdentitySettings,
    "resource-svc": ResourceSettings,
    "admin-svc": AdminSettings,
    "authz-gateway": GatewaySettings,
    "mailer-svc": MailerSettings,
    "webhooks-svc": WebhooksSettings,
    "console-svc": ConsoleSettings,
    "oauth-svc": OAuthSettings,
}

_HEAD = """\
# Settings

Every setting is an environment variable. A blank variable counts as absent. A service reports all
faults of its settings at once, before it starts. `make settings` writes this page from the code.

Each setting can be in a file instead, as secrets often are: `<variable>_FILE` names the file
(`DATABASE_URL_FILE`, `AMQP_URL_FILE`, `BARONG_MASTER_KEYS_FILE` …). Line breaks at the end of the
file are ignored. It is a fault if both are given, or if the file cannot be read.

| Variable | Default | Meaning | Service |
|---|---|---|---|
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """A variable as one or several services declare it."""

    variable: str
    default: str
    doc: str


def settings_of(declaration: type[Any]) -> Iterator[Setting]:
    """The settings of a service, in the order of their declaration."""
    for field in dataclasses.fields(declaration):
        if "variable" in field.metadata:
            yield Setting(field.metadata["variable"], _default(field), field.metadata["doc"])


def _default(field: "dataclasses.Field[Any]") -> str:
    if "shown" in field.metadata:
        return str(field.metadata["shown"])
    match field.default:
        case dataclasses.MISSING:
            return "**required**"
        case "" | ():
            return "empty"
        case re.Pattern(pattern=pattern):
            return f"`{pattern}`"
        case None:
            return "none"
        case bool(value):
            return f"`{str(value).lower()}`"
        case tuple() | frozenset() as values:
            return f"`{','.join(sorted(map(str, values)))}`"
        case value:
            return f"`{value}`"


def reference() -> str:
    """The page, in Markdown: a row for each variable, whoever shares it."""
    users: dict[Setting, list[str]] = {}
    for service, declaration in SERVICES.items():
        for setting in settings_of(declaration):
            users.setdefault(setting, []).append(service)
    rows = sorted(users.items(), key=lambda row: row[0].variable)
    return _HEAD + "".join(_row(setting, services) for setting, services in rows)


def _row(setting: Setting, services: list[str]) -> str:
    cells = (f"`{setting.variable}`", setting.default, setting.doc, _of(services))
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def _of(services: list[str]) -> str:
    return "all" if len(services) == len(SERVICES) else ", ".join(services)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        REFERENCE.write_text(reference())
    else:
        sys.stdout.write(reference())
