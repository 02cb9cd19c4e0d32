"""What users are found by because of their attachments."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from admin_svc.directory.facets import Traits, traits
from shared.contracts.attachments import KINDS, AttachmentSnapshot

AT = "2026-11-22T10:10:10.5+00:00"


def of(kind: str, *records: Mapping[str, Any]) -> Traits:
    return traits(AttachmentSnapshot(uid="ID1", kind=kind, version=1, records=records))


def a_label(key: str, value: str, scope: str = "private") -> dict[str, Any]:
    return {"scope": scope, "key": key, "value": value, "updated_at": AT}


def a_profile(first: str | None, last: str | None, country: str | None) -> dict[str, Any]:
    return {"first_name": first, "last_name": last, "country": country}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_nothing(kind: str) -> None:
    assert of(kind) == Traits()


def test_labels_of_both_scopes() -> None:
    found = of("labels", a_label("email", "verified"), a_label("team", "blue", "public"))
    assert found == Traits(
        facets=frozenset(
            {
                *("label:email:verified", "private:email:verified"),
                *("label:team:blue", "public:team:blue"),
            }
        )
    )


@pytest.mark.parametrize(
    ("value", "scope", "waits"),
    [
        ("pending", "private", True),
        ("replaced", "private", True),
        ("verified", "private", False),
        ("rejected", "private", False),
        ("pending", "public", False),
    ],
)
def test_who_waits_for_a_verdict(value: str, scope: str, waits: bool) -> None:
    found = of("labels", a_label("document", value, scope))
    assert found.waiting_since == (datetime.fromisoformat(AT) if waits else None)


def test_names_and_countries_of_all_profiles() -> None:
    found = of(
        "profiles",
        a_profile("Ann Marie", "LEE", "NO"),
        a_profile("Ann Marie", None, "nor"),
        a_profile(None, "Lee", None),
        a_profile(None, None, None),
    )
    assert found.facets == {
        *("first_name:ann marie", "last_name:lee", "country:NO", "country:NOR"),
    }
    assert found.names == ("ann marie lee", "lee", "ann marie")


@pytest.mark.parametrize("kind", ["phones", "documents", "data_storages"])
def test_nobody_is_found_by_anything_else(kind: str) -> None:
    assert of(kind, {"id": 1, "number": "47"}) == Traits()
