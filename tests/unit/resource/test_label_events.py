"""The events of labels, in the shape in which existing subscribers read them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from resource_svc.labels.events import Happening, label_event, verdict_events
from resource_svc.labels.models import Label
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User

AT = datetime(2026, 11, 22, 10, 10, 21, 500_000, tzinfo=UTC)

USER_RECORD = {
    "uid": "ID0995D31765",
    "email": "admlab@example.com",
    "role": "member",
    "level": 3,
    "otp": False,
    "state": "active",
    "referral_uid": None,
    "created_at": "2026-11-22T10:10:21Z",
    "updated_at": "2026-11-22T10:10:21Z",
}


def a_user() -> User:
    return User(
        uid="ID0995D31765",
        email="admlab@example.com",
        role="member",
        level=3,
        otp=False,
        state="active",
        referral_uid=None,
        data='{"language":"en"}',
        created_at=AT,
        updated_at=AT,
        version=7,
    )


def a_label(**overrides: Any) -> Label:
    fields: dict[str, Any] = {
        "id": 93,
        "uid": "ID0995D31765",
        "scope": "private",
        "key": "document",
        "value": "verified",
        "description": None,
        "created_at": AT,
        "updated_at": AT,
    }
    return Label(**fields | overrides)


LABELS = PrivateLabels("ID0995D31765", 4, {"document": "verified"})


def test_a_created_label_tells_no_nulls_of_its_own_but_those_of_its_user() -> None:
    event = label_event("created", a_label(), a_user(), LABELS)
    assert event.name == "model.label.created"
    assert event.record == {
        "id": 93,
        "key": "document",
        "value": "verified",
        "scope": "private",
        "user": USER_RECORD,
    }
    assert event.changes is None
    public = label_event("created", a_label(scope="public"), a_user(), LABELS)
    assert public.record["scope"] == "public"


def test_an_updated_label_tells_its_description_and_the_old_value() -> None:
    label = a_label(description="blurry")
    event = label_event("updated", label, a_user(), LABELS, {"value": "rejected"})
    assert event.name == "model.label.updated"
    assert event.record["description"] == "blurry"
    assert event.changes == {"value": "rejected"}


def test_a_deleted_label_is_told_as_it_was() -> None:
    event = label_event("deleted", a_label(), a_user(), LABELS)
    assert event.name == "model.label.deleted"
    assert event.record["value"] == "verified"


@pytest.mark.parametrize("value", ["verified", "rejected"])
@pytest.mark.parametrize("happening", ["created", "updated"])
def test_a_judgement_on_documents_is_an_event(value: str, happening: Happening) -> None:
    label = a_label(value=value, description="blurry")
    (event,) = verdict_events(happening, label, a_user())
    assert event.name == f"system.document.{value}"
    assert event.record == {
        "id": 93,
        "key": "document",
        "value": value,
        "description": "blurry",
        "user": USER_RECORD,
    }
    assert event.changes is None


@pytest.mark.parametrize(
    ("happening", "label"),
    [
        ("created", a_label(value="pending")),
        ("created", a_label(key="phone")),
        ("created", a_label(scope="public")),
        ("deleted", a_label()),
    ],
)
def test_nothing_else_is_a_verdict_events(happening: Happening, label: Label) -> None:
    assert verdict_events(happening, label, a_user()) == ()


def test_a_judgement_without_a_description_says_so() -> None:
    (event,) = verdict_events("created", a_label(description=None), a_user())
    assert event.record["description"] is None


def test_the_snapshot_carries_the_label_and_all_private_labels() -> None:
    event = label_event("created", a_label(), a_user(), LABELS)
    assert event.snapshot == {
        "language": "en",
        "private_labels": {
            "uid": "ID0995D31765",
            "version": 4,
            "labels": {"document": "verified"},
        },
        "label": {
            "uid": "ID0995D31765",
            "scope": "private",
            "key": "document",
            "value": "verified",
            "description": None,
            "created_at": "2026-11-22T10:10:21.500000+00:00",
            "updated_at": "2026-11-22T10:10:21.500000+00:00",
        },
    }


def test_the_public_model_shows_neither_number_nor_description() -> None:
    assert a_label(description="blurry").to_public() == {
        "key": "document",
        "value": "verified",
        "scope": "private",
        "created_at": "2026-11-22T10:10:21Z",
        "updated_at": "2026-11-22T10:10:21Z",
    }
