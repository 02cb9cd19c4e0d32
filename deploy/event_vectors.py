"""Writes docs/subscribers/vectors: messages with the verdict that a verifier of events must reach.

Nothing in them is random: the keys are in the folder, RS256 gives a payload one signature, and
ES256 is used as RFC 6979 describes.

    python -m deploy.event_vectors
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

FOLDER = Path(__file__).parents[1] / "docs" / "subscribers" / "vectors"
KEYS = FOLDER / "private-keys-for-tests-only.json"
"""Private keys (RFC 7517): all are published but `foreign`. `elliptic` is for ES256."""

ISSUER = "barong"
RS256 = {"alg": "RS256"}
ES256 = {"alg": "ES256"}
CLAIMS: Mapping[str, Any] = {
    "iss": ISSUER,
    "jti": "4ff4d3e5-0d4f-4d6c-9a59-6d3f7fd9a1c0",
    "iat": 1795342189,
    "event": {
        "record": {
            "uid": "ID045180E628",
            "email": "zoë@example.com",
            "role": "member",
            "level": 1,
            "otp": False,
            "state": "locked",
            "created_at": "2026-11-22T10:11:41Z",
            "updated_at": "2026-11-22T10:11:42Z",
        },
        "changes": {"state": "active"},
        "name": "model.user.updated",
    },
}


@dataclass(frozen=True, slots=True)
class Vector:
    """A message; `verdict` is valid, invalid, or acceptable.

    A verifier may refuse an acceptable message. If it takes it, then as exactly `CLAIMS`.
    """

    name: str
    verdict: str
    message: str
    why: str


def private_keys() -> dict[str, RSAPrivateKey]:
    """The RSA keys of `KEYS` by their `kid`."""
    return {
        each["kid"]: cast(RSAPrivateKey, jwt.algorithms.RSAAlgorithm.from_jwk(each))
        for each in json.loads(KEYS.read_text())["keys"]
        if each["kty"] == "RSA"
    }


def elliptic_key() -> EllipticCurvePrivateKey:
    """The key of `KEYS` for ES256."""
    [jwk] = (each for each in json.loads(KEYS.read_text())["keys"] if each["kty"] == "EC")
    return cast(EllipticCurvePrivateKey, jwt.algorithms.ECAlgorithm.from_jwk(jwk))


def key_set(keys: Mapping[str, RSAPrivateKey]) -> dict[str, Any]:
    """The published keys.

    `barong` stands for the one key with which subscribers of the direct exchanges are configured;
    a gateway does not publish it.
    """
    named = {"current": "current", "previous": "previous", "barong": "current"}
    rsa = [
        {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": kid,
            **{part: _public(keys[name])[part] for part in ("n", "e")},
        }
        for kid, name in named.items()
    ]
    elliptic = jwt.algorithms.ECAlgorithm.to_jwk(elliptic_key().public_key(), as_dict=True)
    return {"keys": [*rsa, {"use": "sig", "alg": "ES256", "kid": "elliptic", **elliptic}]}


def _public(key: RSAPrivateKey) -> dict[str, Any]:
    return jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)


def vectors(keys: Mapping[str, RSAPrivateKey]) -> Iterator[Vector]:
    """Every vector."""
    current, foreign = keys["current"], keys["foreign"]
    good = signed(CLAIMS, current)
    yield Vector("topic exchange", "valid", enveloped(*good), "the key's id names the key")
    yield Vector(
        "direct exchange",
        "valid",
        enveloped(*signed(_event(1), current), kid="barong"),
        "as Barong's subscribers expect",
    )
    yield Vector(
        "previous key",
        "valid",
        enveloped(*signed(_event(2), keys["previous"]), kid="previous"),
        "keys stay published for 30 days after their last signature",
    )
    yield Vector(
        "unknown claims",
        "valid",
        enveloped(*signed({**_event(3), "new": 1, "snapshot": {"version": 3}}, current)),
        "claims may be added",
    )
    yield Vector(
        "ES256",
        "valid",
        enveloped(*signed(_event(4), elliptic_key(), ES256), kid="elliptic"),
        "the operator chose ES256",
    )
    yield from _tampered(good)
    yield from _keys_and_algorithms(good, current, foreign)
    yield from _shapes(good)
    yield from _claims(current)


def _event(number: int) -> dict[str, Any]:
    """The claims with another `jti`, so that the event is not a repeated one."""
    return {**CLAIMS, "jti": f"{CLAIMS['jti'][:-1]}{number}"}


def _tampered(good: tuple[str, str, str]) -> Iterator[Vector]:
    protected, payload, signature = good
    other = encoded({**CLAIMS, "event": {**CLAIMS["event"], "name": "system.user.erased"}})
    yield _refused(
        "tampered payload", enveloped(protected, other, signature), "not what was signed"
    )
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[7] ^= 1
    yield _refused(
        "tampered signature", enveloped(protected, payload, text(raw)), "one bit differs"
    )
    yield _refused("empty signature", enveloped(protected, payload, ""), "nothing was signed")
    yield _refused(
        "tampered protected header",
        enveloped(encoded({**RS256, "typ": "JOSE"}), payload, signature),
        "the signature covers the protected header",
    )


def _keys_and_algorithms(
    good: tuple[str, str, str], current: RSAPrivateKey, foreign: RSAPrivateKey
) -> Iterator[Vector]:
    yield _refused("unknown kid", enveloped(*good, kid="unknown"), "no published key has this id")
    yield _refused("another key's kid", enveloped(*good, kid="previous"), "another key signed")
    yield _refused("foreign key", enveloped(*signed(CLAIMS, foreign)), "not a published key")
    yield _refused(
        "foreign key in the header",
        enveloped(
            *signed(CLAIMS, foreign, {**RS256, "jwk": {**_public(foreign), "kid": "current"}})
        ),
        "a key in the message proves nothing",
    )
    yield _refused("no kid", enveloped(*good, kid=None), "nothing names the key")
    both = signed(CLAIMS, current, {**RS256, "kid": "current"})
    yield _refused("kid in both headers", enveloped(*both), "RFC 7515, 7.2.1")
    yield _refused(
        "different kids in both headers", enveloped(*both, kid="barong"), "RFC 7515, 7.2.1"
    )
    none, payload = encoded({"alg": "none"}), encoded(CLAIMS)
    yield _refused("alg none", enveloped(none, payload, ""), "unsigned")
    hs256 = encoded({"alg": "HS256"})
    pem = current.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    mac = hmac.new(pem, f"{hs256}.{payload}".encode(), hashlib.sha256).digest()
    yield _refused(
        "alg HS256 with the public key",
        enveloped(hs256, payload, text(mac)),
        "a public key is no secret",
    )
    yield _refused(
        "alg RS512",
        enveloped(*signed(CLAIMS, current, {"alg": "RS512"})),
        "events are signed with RS256 or ES256 only",
    )
    elliptic = signed(CLAIMS, elliptic_key(), ES256)
    yield _refused("ES256, another key's kid", enveloped(*elliptic), "the key is one for RS256")
    yield _refused(
        "RS256, a kid of ES256", enveloped(*good, kid="elliptic"), "the key is one for ES256"
    )
    yield _refused(
        "alg RS256, signed with ES256",
        enveloped(encoded(RS256), elliptic[1], elliptic[2], kid="elliptic"),
        "not the key's algorithm",
    )
    yield Vector(
        "alg in the unprotected header only",
        "acceptable",
        enveloped(*signed(CLAIMS, current, {"typ": "JOSE"}), alg="RS256"),
        "RFC 7515 allows it, but Barong does not send it",
    )
    yield _refused(
        "unknown critical header",
        enveloped(*signed(CLAIMS, current, {**RS256, "crit": ["exp2"], "exp2": 1})),
        "RFC 7515, 4.1.11",
    )


def _shapes(good: tuple[str, str, str]) -> Iterator[Vector]:
    protected, payload, signature = good
    bad = signed(CLAIMS, private_keys()["foreign"])
    one = {"protected": protected, "header": {"kid": "current"}, "signature": signature}
    two = {"protected": bad[0], "header": {"kid": "current"}, "signature": bad[2]}
    for name, signatures in (
        ("two signatures, the first good", [one, two]),
        ("two signatures, the second good", [two, one]),
        ("two signatures, both good", [one, one]),
        ("no signatures", []),
    ):
        message = json.dumps({"payload": payload, "signatures": signatures})
        yield _refused(name, message, "an event has exactly one signature")
    yield _refused(
        "compact serialization", ".".join(good), "an event is JSON, general serialization"
    )
    other = encoded({**CLAIMS, "event": {**CLAIMS["event"], "name": "system.user.erased"}})
    envelope = enveloped(*good)
    yield Vector(
        "payload twice",
        "acceptable",
        envelope.replace("{", f'{{"payload":"{other}",', 1),
        "the signed payload comes last; RFC 7515, 4: parsers take the last, or refuse",
    )
    yield _refused(
        "payload twice, the signed one first",
        envelope[:-1] + f',"payload":"{other}"}}',
        "the last payload was not signed; taking the first is not allowed either",
    )
    yield _refused("not JSON", "model.user.updated", "no JSON")
    yield _refused("empty", "", "no JSON")
    yield _refused("a list", "[]", "no object")
    yield _refused("null", "null", "no object")
    yield _refused("no payload", envelope.replace('"payload"', '"payloads"'), "nothing to verify")


def _claims(key: RSAPrivateKey) -> Iterator[Vector]:
    for name, claims, why in (
        ("wrong issuer", {**CLAIMS, "iss": "peatio"}, "another system signed with our key"),
        ("no issuer", _without("iss"), "`iss` is required"),
        ("no jti", _without("jti"), "nothing to recognize a repeated event by"),
        ("no event", _without("event"), "a token of ours, but no event"),
        ("event is null", {**CLAIMS, "event": None}, "no event"),
        ("claims are a list", [CLAIMS], "claims are an object"),
    ):
        yield _refused(name, enveloped(*signed(claims, key)), why)


def _without(claim: str) -> dict[str, Any]:
    return {name: value for name, value in CLAIMS.items() if name != claim}


def _refused(name: str, message: str, why: str) -> Vector:
    return Vector(name, "invalid", message, why)


def signed(
    claims: object,
    key: RSAPrivateKey | EllipticCurvePrivateKey,
    protected: Mapping[str, Any] = RS256,
) -> tuple[str, str, str]:
    """Protected header, payload and signature, each in base64url."""
    header, payload = encoded(protected), encoded(claims)
    if isinstance(key, EllipticCurvePrivateKey):
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        r, s = decode_dss_signature(key.sign(f"{header}.{payload}".encode(), algorithm))
        return header, payload, text(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    rsa = jwt.get_algorithm_by_name(protected.get("alg", "RS256"))
    return header, payload, text(rsa.sign(f"{header}.{payload}".encode(), key))


def enveloped(
    protected: str, payload: str, signature: str, *, kid: str | None = "current", **header: str
) -> str:
    """The general JSON serialization, with an unprotected header."""
    header = header if kid is None else {"kid": kid, **header}
    return json.dumps(
        {
            "payload": payload,
            "signatures": [{"protected": protected, "header": header, "signature": signature}],
        },
        separators=(",", ":"),
    )


def encoded(value: object) -> str:
    """Compact JSON in base64url."""
    return text(json.dumps(value, separators=(",", ":")).encode())


def text(data: bytes | bytearray) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def files() -> dict[str, str]:
    """The files that are made, by their names."""
    keys = private_keys()
    listed = [
        {"name": each.name, "verdict": each.verdict, "why": each.why, "message": each.message}
        for each in vectors(keys)
    ]
    content = {"issuer": ISSUER, "claims": CLAIMS, "vectors": listed}
    return {
        "jwks.json": json.dumps(key_set(keys), indent=1) + "\n",
        "vectors.json": json.dumps(content, indent=1, ensure_ascii=False) + "\n",
    }


def main() -> None:
    """Writes the files."""
    for name, content in files().items():
        (FOLDER / name).write_text(content)


if __name__ == "__main__":
    main()
