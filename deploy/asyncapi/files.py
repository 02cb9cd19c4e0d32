"""Files that are made from the contract of events, and the schemas that were published."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.asyncapi import html_page
from deploy.asyncapi.catalogue_page import page
from deploy.asyncapi.compatibility import breaking_changes
from deploy.asyncapi.document import document
from deploy.asyncapi.schemas import schema_of
from shared.contracts.catalogue import CATALOGUE

_GATEWAY = Path("services/authz-gateway/src/authz_gateway/api_document")
PUBLISHED = _GATEWAY / "events"
"""A file for each version of each event; the gateway shows all of them, old ones too."""
CARRIED = _GATEWAY / "asyncapi.json"
HTML_PAGE = _GATEWAY / "page" / "events.html"
CATALOGUE_PAGE = Path("docs/subscribers/events.md")


class Breaks(Exception):
    """A schema differs from the published one of the same version, which may break readers."""


def text() -> str:
    """The document as JSON."""
    return _json(document())


def written() -> Mapping[Path, str]:
    """Every file that is made from the contract, with its content."""
    return {
        CARRIED: text(),
        CATALOGUE_PAGE: page(),
        HTML_PAGE: html_page.page(),
        **{PUBLISHED / each.schema_name: _json(schema_of(each)) for each in CATALOGUE.values()},
    }


def check(published: Path = PUBLISHED) -> None:
    """Raises `Breaks` with everything that breaks readers of the schemas in this folder.

    An event that was published stays published, as does each version before the present one.
    """
    present = {each.schema_name: schema_of(each) for each in CATALOGUE.values()}
    versions = {each.name: each.version for each in CATALOGUE.values()}
    faults = []
    for file in sorted(published.glob("*.json")):
        name, _, version = file.name.removesuffix(".json").rpartition(".v")
        if name not in versions:
            faults.append(f"{name}: the event is gone")
        elif int(version) == versions[name]:
            before = json.loads(file.read_text())
            faults += [f"{name}: {each}" for each in breaking_changes(before, present[file.name])]
    if faults:
        raise Breaks("\n".join(faults))


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
