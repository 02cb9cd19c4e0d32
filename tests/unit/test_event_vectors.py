"""Every verifier in Python judges the test vectors of events as it must."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet as JoserfcKeys

from barong_events import FixedKeys, Verifier
from barong_events import UntrustedEventError as Untrusted
from deploy.event_vectors import FOLDER, files
from shared.messaging.envelope import EventVerifier, UntrustedEventError
from shared.tokens.key_set import JwksDocument, KeySet

CONTENT = json.loads((FOLDER / "vectors.json").read_text())
JWKS = json.loads((FOLDER / "jwks.json").read_text())
VECTORS: Mapping[str, Mapping[str, str]] = {each["name"]: each for each in CONTENT["vectors"]}

TWO_KIDS = {"kid in both headers", "different kids in both headers"}
KNOWN_FAULTS: Mapping[str, set[str]] = {
    "services": TWO_KIDS,  # until 2027-01-31: messages that were signed before 2026-11-30
    "joserfc": TWO_KIDS,  # it does not compare the headers (RFC 7515, 7.2.1)
}
"""The invalid messages that a verifier takes, all of them with a signature of ours."""


async def ours(message: bytes) -> tuple[str, Any]:
    async def keys() -> JwksDocument:
        document: JwksDocument = JWKS
        return document

    try:
        event = await EventVerifier(KeySet(keys), "barong").open(message)
    except UntrustedEventError as error:
        raise ValueError from error
    return event.name, event.record


async def barong_events(message: bytes) -> tuple[str, Any]:
    try:
        event = await Verifier(FixedKeys(JWKS)).open(message)
    except Untrusted as error:
        raise ValueError from error
    return event.name, event.raw


async def joserfc(message: bytes) -> tuple[str, Any]:
    try:
        envelope = json.loads(message)
        [_] = envelope["signatures"]
        keys = JoserfcKeys.import_key_set(JWKS)
        signed = jws.deserialize_json(envelope, keys, algorithms=["RS256", "ES256"])
        claims = json.loads(signed.payload)
        assert claims["iss"] == "barong"
        assert claims["jti"]
        return claims["event"]["name"], claims["event"]["record"]
    except (JoseError, AssertionError, LookupError, TypeError, ValueError) as error:
        raise ValueError from error


VERIFIERS: Mapping[str, Callable[[bytes], Awaitable[tuple[str, Any]]]] = {
    "services": ours,
    "barong_events": barong_events,
    "joserfc": joserfc,
}


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("verifier", VERIFIERS)
async def test_a_verifier_judges_as_it_must(verifier: str, name: str) -> None:
    vector = VECTORS[name]
    try:
        opened = await VERIFIERS[verifier](vector["message"].encode())
    except ValueError:
        assert vector["verdict"] != "valid"
        return
    assert (vector["verdict"] == "invalid") == (name in KNOWN_FAULTS.get(verifier, ()))
    event = CONTENT["claims"]["event"]
    assert opened == (event["name"], event["record"])


def test_the_files_are_what_the_program_makes() -> None:
    assert {name: (FOLDER / name).read_text() for name in files()} == files()
