"""What a user is found by because of what he has attached to himself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.contracts.attachments import LABELS, PROFILES, AttachmentSet

SEARCHED = (LABELS, PROFILES)
"""Kinds of attachments that contribute anything."""

WAITING = ("pending", "replaced")
"""Values of the private label `document` with which documents wait for a verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What one set of attachments contributes."""

    facets: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    """In lower case, whole ones and last ones, for the search within them."""
    waiting_since: datetime | None = None


def traits(attachments: AttachmentSet) -> Traits:
    """Raises KeyError, TypeError or ValueError for records that are not whole."""
    if attachments.kind == LABELS:
        return _of_labels(attachments)
    return _of_profiles(attachments) if attachments.kind == PROFILES else Traits()


PRIVATE, PUBLIC = "private", "public"
SCOPES = (PRIVATE, PUBLIC)


def label_facet(scope: str, key: str, value: str) -> str:
    """Of users with this label in this scope: what users say of themselves is no verdict."""
    return f"{scope}:{key}:{value}"


def _any_label_facet(key: str, value: str) -> str:
    """Of users with this label in whatever scope, by which earlier releases look for them."""
    return f"label:{key}:{value}"


def profile_facet(field: str, value: str) -> str:
    """Of users one of whose profiles says this; names in any case."""
    return f"{field}:{value.upper() if field == 'country' else value.lower()}"


PROFILE_FIELDS = ("first_name", "last_name", "country")


def _of_labels(labels: AttachmentSet) -> Traits:
    private = {each["key"]: each for each in labels.records if each["scope"] == PRIVATE}
    document = private.get("document", {"value": None})
    waits = document["value"] in WAITING
    return Traits(
        facets=frozenset(
            {label_facet(each["scope"], each["key"], each["value"]) for each in labels.records}
            | {_any_label_facet(each["key"], each["value"]) for each in labels.records}
        ),
        waiting_since=datetime.fromisoformat(document["updated_at"]) if waits else None,
    )


def _of_profiles(profiles: AttachmentSet) -> Traits:
    said = [
        profile_facet(field, each[field])
        for each in profiles.records
        for field in PROFILE_FIELDS
        if each[field]
    ]
    names = dict.fromkeys(name for each in profiles.records for name in _names(each))
    return Traits(facets=frozenset(said), names=tuple(names))


def _names(profile: Mapping[str, Any]) -> Iterator[str]:
    first, last = (profile["first_name"] or "").lower(), (profile["last_name"] or "").lower()
    if first:
        yield f"{first} {last}".strip()
    if last:
        yield last
