"""Tokens between services."""

import base64
import json
import time
from typing import Any

import jwt
import pytest

from shared.crypto.key_ring import KeyRing
from shared.tokens.service import BadServiceToken, ServiceTokens
from tests.unit.shared.builders import KEYS

RING = KeyRing.parse(KEYS)
MAILER, IDENTITY = ServiceTokens("mailer-svc", RING), ServiceTokens("identity-svc", RING)
CALLERS = frozenset({"mailer-svc"})


def a_token(key: bytes | None = None, kid: Any = "new", **changes: Any) -> str:
    now = int(time.time())
    claims = {"iss": "mailer-svc", "aud": "identity-svc", "iat": now, "exp": now + 60} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims, RING.keys["new"] if key is None else key, "HS256", headers=headers)


def by_hand(header: object, claims: object, signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


CLAIMS = {"iss": "mailer-svc", "aud": "identity-svc", "iat": 1, "exp": 4102444800}


def test_a_token_names_its_service_to_the_one_it_was_made_for() -> None:
    assert IDENTITY.verify(MAILER.issue("identity-svc"), CALLERS) == "mailer-svc"


def test_a_token_of_the_former_key_is_good_during_a_rotation() -> None:
    new, old = KEYS.split(",")
    before, after = KeyRing.parse(old), KeyRing.parse(new)
    token = ServiceTokens("mailer-svc", before).issue("identity-svc")

    assert IDENTITY.verify(token, CALLERS) == "mailer-svc"
    with pytest.raises(BadServiceToken):
        ServiceTokens("identity-svc", after).verify(token, CALLERS)


@pytest.mark.parametrize(
    "token",
    [
        MAILER.issue("resource-svc"),
        IDENTITY.issue("identity-svc"),
        a_token(iss="nobody"),
        a_token(iss=None),
        a_token(aud=None),
        a_token(exp=None),
        a_token(iat=None),
        a_token(exp=int(time.time()) - 6),
        a_token(iat=int(time.time()) + 60),
        a_token(key=bytes(32)),
        a_token(key=RING.keys["old"], kid="new"),
        a_token(kid="unknown"),
        a_token(kid=None),
        by_hand({"alg": "none", "kid": "new"}, CLAIMS),
        by_hand({"alg": "None", "kid": "new"}, CLAIMS, b"x"),
        by_hand({"alg": "HS512", "kid": "new"}, CLAIMS, b"x"),
        by_hand({"alg": "HS256", "kid": {"a": 1}}, CLAIMS, b"x"),
        by_hand({"alg": "HS256", "kid": 1}, CLAIMS, b"x"),
        by_hand(["HS256"], CLAIMS, b"x"),
        "",
        "a.b.c",
        "\udcff.a.b",
        a_token()[:-4] + "AAAA",
    ],
)
def test_another_token_is_refused(token: str) -> None:
    with pytest.raises(BadServiceToken):
        IDENTITY.verify(token, CALLERS)


def test_clocks_may_differ_a_little() -> None:
    now = int(time.time())

    assert IDENTITY.verify(a_token(iat=now + 3), CALLERS) == "mailer-svc"
    assert IDENTITY.verify(a_token(exp=now - 3), CALLERS) == "mailer-svc"
