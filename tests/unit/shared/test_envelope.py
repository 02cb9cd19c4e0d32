"""The envelope of an event: its shape to the letter, and what is refused."""

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.events import Event
from shared.errors import Unavailable
from shared.messaging.envelope import (
    EventVerifier,
    UntrustedEventError,
    for_direct_exchanges,
    sign,
)
from shared.tokens.key_set import JwksDocument, KeySet
from tests.unit.shared.builders import KID, Issuer, jwks, rsa_key

EVENT = Event(
    name="model.user.updated",
    record={"uid": "ID1", "user": {"referral_uid": None}, "data": "é"},
    changes={"level": 0},
    snapshot={"version": 7},
    secrets={"token": "s3cret"},
)
TOLD = {"name": "x.y", "record": {}}


def decoded(part: str) -> Any:
    assert "=" not in part
    return json.loads(base64.urlsafe_b64decode(part + "=="))


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def opener(issuer: Issuer | None = None) -> EventVerifier:
    return EventVerifier(KeySet((issuer or Issuer()).jwks), "barong")


def message(event: Event = EVENT, key: str = KID, kid: str = KID, issuer: str = "barong") -> bytes:
    return sign(event, rsa_key(key), kid, issuer)


def signed(
    claims: object,
    algorithm: str = "RS256",
    key: Any = None,
    protected_kid: str | None = None,
    kid: object = KID,
) -> bytes:
    """An envelope around any claims, with a good signature."""
    payload = json.dumps(claims).encode()
    headers: dict[str, Any] = {"kid": protected_kid} if protected_kid else {"typ": None}
    compact = jwt.api_jws.encode(payload, key or rsa_key(KID), algorithm, headers=headers)
    protected, middle, signature = compact.split(".")
    parts = {"protected": protected, "header": {"kid": kid}, "signature": signature}
    return json.dumps({"payload": middle, "signatures": [parts]}).encode()


def test_the_shape_is_that_of_the_specification() -> None:
    before = int(time.time())
    envelope = json.loads(message())

    assert list(envelope) == ["payload", "signatures"]
    [signature] = envelope["signatures"]
    assert list(signature) == ["protected", "header", "signature"]
    assert decoded(signature["protected"]) == {"alg": "RS256"}
    assert signature["header"] == {"kid": KID}
    claims = decoded(envelope["payload"])
    assert before <= claims["iat"] <= time.time()
    assert {name: claims[name] for name in ("iss", "jti")} == {
        "iss": "barong",
        "jti": str(EVENT.id),
    }
    assert claims["snapshot"] == {"version": 7}
    assert list(claims["event"].items()) == [
        ("record", {**EVENT.record, "token": "s3cret"}),
        ("changes", {"level": 0}),
        ("name", "model.user.updated"),
    ]


async def test_es256_is_verified_with_its_own_key_only() -> None:
    """What the key says counts: the header alone must not choose the algorithm."""
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)

    async def keys() -> JwksDocument:
        return {"keys": [{**jwk, "kid": "ec", "alg": "ES256"}, *jwks(KID)["keys"]]}

    verifier = EventVerifier(KeySet(keys), "barong")
    body = sign(EVENT, key, "ec", "barong")
    [signature] = json.loads(body)["signatures"]
    assert decoded(signature["protected"]) == {"alg": "ES256"}
    assert (await verifier.open(body)).id == EVENT.id
    assert (await verifier.open(message())).id == EVENT.id
    for refused in (
        sign(EVENT, other, "ec", "barong"),
        sign(EVENT, key, KID, "barong"),
        message(kid="ec"),
    ):
        with pytest.raises(UntrustedEventError):
            await verifier.open(refused)


def test_on_the_direct_exchanges_only_the_name_of_the_key_differs() -> None:
    topic, direct = message(), for_direct_exchanges(message())

    assert json.loads(direct)["signatures"][0]["header"] == {"kid": "barong"}
    assert direct.replace(b'{"kid":"barong"}', b'{"kid":"%s"}' % KID.encode()) == topic


def test_what_an_event_has_not_is_left_out() -> None:
    claims = decoded(json.loads(message(Event(name="x.y", record={})))["payload"])

    assert set(claims) == {"iss", "jti", "iat", "event"}
    assert claims["event"] == {"record": {}, "name": "x.y"}


async def test_an_event_arrives_as_it_was_written() -> None:
    event = await opener().open(message())

    assert (event.id, event.name) == (EVENT.id, EVENT.name)
    assert event.record == {**EVENT.record, "token": "s3cret"}
    assert (event.changes, event.snapshot) == ({"level": 0}, {"version": 7})
    assert abs((datetime.now(UTC) - event.issued_at).total_seconds()) < 5
    assert "s3cret" not in repr(EVENT) + repr(event)


@pytest.mark.parametrize("age", [-3600, 0, 10 * 86_400])
async def test_an_event_is_good_however_old_and_whatever_the_clocks(age: int) -> None:
    issued = int(time.time()) - age
    claims = {"iss": "barong", "jti": str(EVENT.id), "iat": issued, "event": TOLD}

    assert (await opener().open(signed(claims))).issued_at.timestamp() == issued


@pytest.mark.parametrize("age", [0, 10 * 86_400])
async def test_a_message_of_the_previous_version_is_good(age: int) -> None:
    issued = int(time.time()) - age
    claims = {"iss": "barong", "jti": str(EVENT.id), "iat": issued, "exp": issued, "event": TOLD}

    event = await opener().open(signed(claims, protected_kid=KID, kid="barong"))

    assert event.id == EVENT.id
    with pytest.raises(UntrustedEventError):
        await opener().open(signed(claims, protected_kid="other", kid=KID))


def change(*path: Any, to: Callable[[Any], Any]) -> Callable[[Any], None]:
    def apply(envelope: Any) -> None:
        *way, last = path
        for step in way:
            envelope = envelope[step]
        envelope[last] = to(envelope[last])

    return apply


def claims_with(**claims: object) -> Callable[[str], str]:
    return lambda payload: encoded({**decoded(payload), **claims})


@pytest.mark.parametrize(
    "tamper",
    [
        change("payload", to=claims_with(jti=str(Event(name="x", record={}).id))),
        change("payload", to=claims_with(event={"name": "model.user.created", "record": {}})),
        change("payload", to=lambda payload: payload[:-8]),
        change("payload", to=lambda _: ""),
        change("payload", to=lambda _: 1),
        change("payload", to=lambda _: "\ud800"),
        change("signatures", 0, "signature", to=lambda text: text[:-8] + "AAAAAAAA"),
        change("signatures", 0, "signature", to=lambda _: ""),
        change("signatures", 0, "protected", to=lambda _: encoded({"alg": "none", "kid": KID})),
        change("signatures", 0, "protected", to=lambda _: encoded({"alg": "RS512", "kid": KID})),
        change("signatures", 0, "protected", to=lambda _: encoded({"alg": "RS256"})),
        change("signatures", 0, "protected", to=lambda _: encoded({"alg": "RS256", "kid": "x"})),
        change(
            *("signatures", 0, "protected"),
            to=lambda _: encoded({"alg": "RS256", "kid": KID, "x": 1}),
        ),
        change("signatures", 0, "protected", to=lambda _: encoded("[" * 9000)),
        change("signatures", 0, "header", to=lambda _: {}),
        change("signatures", 0, "header", to=lambda _: None),
        change("signatures", 0, "header", to=lambda _: {"kid": "x"}),
        change("signatures", 0, "header", to=lambda _: {"kid": [KID]}),
        change("signatures", 0, "header", to=lambda _: {"kid": "barong"}),
        change("signatures", 0, to=lambda _: {}),
        change("signatures", to=lambda _: []),
        change("signatures", to=lambda _: {}),
    ],
)
async def test_a_message_that_was_tampered_with_is_refused(tamper: Callable[[Any], None]) -> None:
    envelope = json.loads(message())
    tamper(envelope)

    with pytest.raises(UntrustedEventError):
        await opener().open(json.dumps(envelope).encode())


CLAIMS = {"iss": "barong", "jti": str(EVENT.id), "iat": 1, "event": TOLD}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"text"',
        b"\xff",
        b"[" * 100_000,
        message(issuer="peatio"),
        message(key="foreign"),
        message(key="foreign", kid="foreign"),
        signed(CLAIMS, "HS256", "a shared secret that is long enough"),
        signed([]),
        signed({**CLAIMS, "iss": None}),
        signed({**CLAIMS, "jti": "1"}),
        signed({**CLAIMS, "jti": 1}),
        signed({**CLAIMS, "event": None}),
        signed({**CLAIMS, "event": []}),
        signed({**CLAIMS, "event": "x"}),
        signed({**CLAIMS, "event": {"name": "x"}}),
        signed({**CLAIMS, "event": {"record": {}}}),
        signed({name: value for name, value in CLAIMS.items() if name != "iat"}),
        signed({**CLAIMS, "iat": "now"}),
    ],
)
async def test_what_is_no_event_of_ours_is_refused(body: bytes) -> None:
    with pytest.raises(UntrustedEventError):
        await opener().open(body)


async def test_while_no_keys_can_be_had_an_event_is_neither_good_nor_bad() -> None:
    issuer = Issuer()
    issuer.down = True

    with pytest.raises(Unavailable):
        await opener(issuer).open(message())


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
RECORDS = st.dictionaries(TEXT, st.none() | st.integers() | TEXT | st.dictionaries(TEXT, TEXT))


@given(RECORDS, RECORDS | st.none())
def test_any_record_survives_the_way(record: Any, changes: Any) -> None:
    body = message(Event(name="x", record=record, changes=changes))
    told = decoded(json.loads(body)["payload"])["event"]

    assert (told["record"], told.get("changes")) == (record, changes)
