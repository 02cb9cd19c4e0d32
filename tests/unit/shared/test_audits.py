"""Audits on their way: sealed by a gateway, opened by admin-svc, days later if need be."""

import base64
import json
import time
from typing import Any

import jwt
import pytest

from shared.contracts.activities import Activity
from shared.crypto.key_ring import KeyRing
from shared.errors import Unauthenticated
from shared.messaging.audits import AuditSeal
from shared.messaging.envelope import UntrustedEventError
from shared.tokens.service import ServiceTokens

OLD, NEW = bytes(32), bytes(range(32))


def an_activity(**changes: Any) -> Activity:
    fields: dict[str, Any] = {
        "category": "admin",
        "uid": "ID1",
        "user_ip": "::1",
        "user_agent": "browser",
        "topic": "users",
        "action": "update",
        "result": "denied",
        "target_uid": "ID2",
        "data": '{"path":"x"}',
    }
    return Activity(**{**fields, **changes})


def seal(**keys: bytes) -> AuditSeal:
    return AuditSeal(KeyRing(keys or {"new": NEW}))


async def test_what_was_sealed_is_opened() -> None:
    activities = [an_activity(), an_activity(target_uid=None, data=None)]
    event = await seal().open(seal().seal(activities))

    assert [Activity.of(body) for body in event.record["activities"]] == activities
    assert (event.id, event.name) == (activities[0].id, "audit")
    assert event.issued_at == activities[0].created_at


async def test_the_first_key_seals_and_all_open() -> None:
    sealed = seal(old=OLD).seal([an_activity()])

    assert (await seal(new=NEW, old=OLD).open(sealed)).name == "audit"
    with pytest.raises(UntrustedEventError):
        await seal(new=NEW).open(sealed)
    with pytest.raises(UntrustedEventError):  # another key under the same name
        await seal(old=NEW).open(sealed)


async def test_time_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = seal().seal([an_activity()])
    month_later = time.time() + 30 * 86_400
    monkeypatch.setattr(time, "time", lambda: month_later)

    assert (await seal().open(sealed)).name == "audit"


async def test_a_service_token_is_no_audit_nor_an_audit_a_service_token() -> None:
    ring = KeyRing({"new": NEW})
    with pytest.raises(UntrustedEventError):
        await AuditSeal(ring).open(ServiceTokens("authz-gateway", ring).issue("audit").encode())
    sealed = AuditSeal(ring).seal([an_activity()]).decode()
    with pytest.raises(Unauthenticated):
        ServiceTokens("audit", ring).verify(sealed, {"authz-gateway"})


def _changed(sealed: bytes) -> bytes:
    """The same with another payload under the old signature."""
    head, payload, signature = sealed.split(b".")
    claims = json.loads(base64.urlsafe_b64decode(payload + b"=="))
    claims["activities"][0]["uid"] = "ID9"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    return b".".join((head, forged, signature))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"junk",
        b"\xff\xfe",
        b"{}",
        b"a.b.c",
        _changed(seal().seal([an_activity()])),
        jwt.encode({"aud": "audit", "activities": []}, "", "none").encode(),
        jwt.encode({"aud": "audit"}, NEW, "HS256", headers={"kid": "new"}).encode(),
        jwt.encode({"aud": "audit"}, NEW, "HS256", headers={"kid": "other"}).encode(),
        jwt.encode({"aud": "audit"}, NEW, "HS256").encode(),
    ],
)
async def test_anything_else_is_not_trusted(body: bytes) -> None:
    with pytest.raises(UntrustedEventError):
        await seal().open(body)


async def test_a_seal_around_nothing_is_not_trusted() -> None:
    with pytest.raises(UntrustedEventError):
        await seal().open(seal().seal([]))
