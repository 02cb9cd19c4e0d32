"""Facets: what users are found by because of their attachments."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.contracts.attachments import LABELS, PROFILES, AttachmentSnapshot

SEARCHED = (LABELS, PROFILES)
"""The kinds of attachments that have facets."""

WAITING = ("pending", "replaced")
"""The values of the private label `document` of users whose documents wait for a verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a user is found by because of one kind of attachments."""

    facets: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    """In lower case, full names and last names, for the search within them."""
    waiting_since: datetime | None = None


def traits(snapshot: AttachmentSnapshot) -> Traits:
    """The traits of a snapshot; raises KeyError, TypeError or ValueError for incomplete records."""
    if snapshot.kind == LABELS:
        return _of_labels(snapshot)
    return _of_profiles(snapshot) if snapshot.kind == PROFILES else Traits()


PRIVATE, PUBLIC = "private", "public"
SCOPES = (PRIVATE, PUBLIC)


def label_facet(scope: str, key: str, value: str) -> str:
    """The facet of users with this label in this scope; users choose their public labels."""
    return f"{scope}:{key}:{value}"


def _any_label_facet(key: str, value: str) -> str:
    """The facet of users with this label in any scope, which earlier releases look for."""
    return f"label:{key}:{value}"


def profile_facet(field: str, value: str) -> str:
    """The facet of users with this value in one of their profiles; the case of names is ignored."""
    return f"{field}:{value.upper() if field == 'country' else value.lower()}"


PROFILE_FIELDS = ("first_name", "last_name", "country")


def _of_labels(labels: AttachmentSnapshot) -> Traits:
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


def _of_profiles(profiles: AttachmentSnapshot) -> Traits:
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
