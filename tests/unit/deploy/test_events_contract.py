"""The contract of events: files made from it are up to date, and no change breaks subscribers."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from deploy.asyncapi.compatibility import breaking_changes
from deploy.asyncapi.files import CATALOGUE_PAGE, PUBLISHED, Breaks, check, written
from deploy.asyncapi.schemas import schema_of
from shared.contracts.catalogue import CATALOGUE, LABELS, owned_by
from shared.contracts.events import Event
from shared.contracts.services import ADMIN, IDENTITY, OAUTH, RESOURCE, WEBHOOKS
from shared.contracts.topology import LEGACY_PREFIXES, SUBSCRIPTIONS
from tests.support.event_schemas import faults

# As recorded from Barong 2.4.17.
USER = {
    "uid": "ID0995D31765",
    "email": "admlab@example.com",
    "role": "member",
    "level": 3,
    "otp": False,
    "state": "active",
    "referral_uid": None,
    "created_at": "2026-11-22T10:11:38Z",
    "updated_at": "2026-11-22T10:11:38Z",
}
OWN_USER = {key: value for key, value in USER.items() if value is not None}
LABEL = {"id": 93, "key": "document", "value": "verified", "description": "blurry", "user": USER}
BOTH = {"created_at": "2026-11-22T10:10:24Z", "updated_at": "2026-11-22T10:10:24Z"}
PROFILE = {
    "user": USER,
    "first_name": "John",
    "last_name": "Doe",
    "dob": "1990-01-31",
    "address": "1 High St.",
    "postcode": "AB-1 2CD",
    "city": "Kyiv",
    "country": "UA",
    "metadata": '{"a":1}',
    **BOTH,
}
RECORDED: dict[str, dict[str, Any]] = {
    "model.user.created": {"record": OWN_USER},
    "model.user.updated": {"record": OWN_USER, "changes": {"state": "active"}},
    "model.label.created": {"record": {**LABEL, "scope": "private"}},
    "model.label.updated": {
        "record": {**LABEL, "scope": "private"},
        "changes": {"value": "rejected"},
    },
    "model.profile.created": {"record": PROFILE},
    "model.profile.updated": {"record": PROFILE, "changes": {"first_name": "", "city": "Lviv"}},
    "model.document.created": {
        "record": {
            "user": USER,
            "upload": "%2Fuploads%2Fdocument%2Fupload%2F11%2Fa.png",
            "doc_type": "Passport",
            "doc_number": "x",
            "doc_expire": "3020-01-22",
            "metadata": '{"country":"UA"}',
            **BOTH,
        }
    },
    "model.data_storage.created": {
        "record": {"user": USER, "title": "personal", "data": '{"a":1}', **BOTH}
    },
    "system.session.create": {
        "record": {
            "user": USER,
            "user_ip": "2001:4860:4860::8888",
            "user_agent": "Mozilla/5.0",
            "new_device": False,
            "new_network": False,
        }
    },
    "system.user.email.confirmation.token": {
        "record": {"user": USER, "domain": "openware.com", "token": "eyJh"}
    },
    "system.user.email.confirmed": {"record": {"user": USER, "domain": "openware.com"}},
    "system.user.password.reset.token": {
        "record": {"user": USER, "domain": "openware.com", "token": "eyJh"}
    },
    "system.user.password.reset": {"record": {"user": USER, "domain": "openware.com"}},
    "system.user.password.change": {"record": {"user": USER, "domain": "openware.com"}},
    "system.user.account.deleted": {"record": {"user": USER}},
    "system.document.verified": {"record": LABEL},
    "system.document.rejected": {"record": {**LABEL, "value": "rejected", "description": None}},
}


@pytest.mark.parametrize("name", RECORDED)
def test_what_barong_published_matches(name: str) -> None:
    assert faults(Event(name=name, **RECORDED[name])) == []


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("model.user.gone", {"record": {}}),
        ("model.user.created", {"record": {**OWN_USER, "password": "x"}}),
        ("model.user.created", {"record": {**OWN_USER, "level": "3"}}),
        ("model.user.created", {"record": {**OWN_USER, "referral_uid": None}}),
        ("model.user.created", {"record": OWN_USER, "changes": {}}),
        ("model.user.updated", {"record": OWN_USER, "changes": {"password": "x"}}),
        ("system.session.revoked", {"record": {"user": OWN_USER, "sid": None}}),
        ("system.document.verified", {"record": {**LABEL, "value": "pending"}}),
        ("model.profile.created", {"record": {**PROFILE, "dob": "31.01.1990"}}),
    ],
)
def test_what_differs_from_the_contract_is_found(name: str, event: dict[str, Any]) -> None:
    assert faults(Event(name=name, **event))


@pytest.mark.parametrize("file", written(), ids=lambda file: file.name)
def test_what_is_made_from_the_contract_is_up_to_date(file: Path) -> None:
    assert file.read_text() == written()[file], "run `make event-catalogue`"


def test_the_present_contract_breaks_nobody() -> None:
    check()


def test_sensitive_is_what_carries_a_secret() -> None:
    sensitive = {name for name, event in CATALOGUE.items() if event.sensitive}
    assert sensitive == {
        "system.session.mail.token",
        "system.user.email.change.token",
        "system.user.email.confirmation.token",
        "system.user.email.reversal.token",
        "system.user.password.reset.token",
    }
    page = CATALOGUE_PAGE.read_text()
    assert page.count("**Sensitive.**") == len(sensitive)


def test_each_event_has_one_owner_and_every_subscription_knows_it() -> None:
    owned = [owned_by(service) for service in (IDENTITY, RESOURCE, ADMIN, WEBHOOKS, OAUTH)]
    assert sum(map(len, owned)) == len(CATALOGUE) == len(frozenset().union(*owned))
    for subscription in SUBSCRIPTIONS:
        assert set(subscription.events) <= set(CATALOGUE)
    assert {name.partition(".")[0] for name in CATALOGUE} == set(LEGACY_PREFIXES)


SCHEMA = schema_of(LABELS["updated"])
RECORD = ("properties", "event", "properties", "record")
FIELDS = (*RECORD, "properties")


def changed(*way: str, to: Any) -> Any:
    """The schema with another value at one place; None removes it."""
    schema = copy.deepcopy(SCHEMA)
    place = schema
    for step in way[:-1]:
        place = place[step]
    if to is None:
        del place[way[-1]]
    else:
        place[way[-1]] = to
    return schema


@pytest.mark.parametrize(
    ("present", "said"),
    [
        (changed(*FIELDS, "key", to=None), "event.record.key: removed"),
        (changed(*FIELDS, "id", "type", to="string"), "event.record.id: type"),
        (changed(*FIELDS, "id", "type", to=["integer", "null"]), "event.record.id: type"),
        (changed(*FIELDS, "scope", "enum", to=["public"]), "event.record.scope: enum"),
        (changed(*FIELDS, "scope", "enum", to=None), "event.record.scope: enum"),
        (changed(*FIELDS, "user", "properties", "uid", to=None), "event.record.user.uid: removed"),
        (changed(*FIELDS, "user", "required", to=[]), "event.record.user.uid: may be missing"),
        (changed(*RECORD, "required", to=["id"]), "event.record.key: may be missing now"),
        (changed("properties", "event", "properties", "changes", to=None), "changes: removed"),
        (changed("properties", "event", "properties", "name", "const", to="x"), "name: const"),
    ],
)
def test_what_breaks_a_subscriber_is_said(present: Any, said: str) -> None:
    assert any(said in each for each in breaking_changes(SCHEMA, present))


@pytest.mark.parametrize(
    "present",
    [
        SCHEMA,
        changed(*FIELDS, "more", to={"type": "string"}),
        changed(*FIELDS, "key", "description", to="Said better."),
        changed(*RECORD, "required", to=[*LABEL, "scope"]),
    ],
)
def test_what_breaks_nobody_is_not(present: Any) -> None:
    assert list(breaking_changes(SCHEMA, present)) == []


def test_a_breaking_change_needs_a_new_version(tmp_path: Path) -> None:
    label = LABELS["updated"]
    for event in CATALOGUE.values():
        (tmp_path / event.schema_name).write_text(json.dumps(schema_of(event)))
    check(tmp_path)

    before = changed(*FIELDS, "colour", to={"type": "string"})
    (tmp_path / label.schema_name).write_text(json.dumps(before))
    with pytest.raises(Breaks, match=r"model\.label\.updated: event\.record\.colour: removed"):
        check(tmp_path)

    (tmp_path / label.schema_name).rename(tmp_path / "model.label.updated.v0.json")
    check(tmp_path)

    (tmp_path / "model.label.painted.v1.json").write_text("{}")
    with pytest.raises(Breaks, match=r"model\.label\.painted: the event is gone"):
        check(tmp_path)


def test_every_published_schema_is_kept() -> None:
    assert {event.schema_name for event in CATALOGUE.values()} <= {
        file.name for file in PUBLISHED.glob("*.json")
    }
