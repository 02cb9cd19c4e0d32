"""Bearer tokens of users, and the published keys that verify them."""

import asyncio
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from shared.errors import Unavailable
from shared.tokens.bearer import (
    ACCESS_TOKEN,
    MAX_TOKEN_LENGTH,
    UPSTREAM_TOKEN,
    BadBearerToken,
    BearerVerifier,
)
from shared.tokens.key_set import KeySet, UnknownKeyError
from shared.values.principal import Principal
from tests.support.waiting import until
from tests.unit.shared.builders import KID, Issuer, a_bearer, bearer_claims, rsa_key

NOW = int(time.time())
DAY = 86_400  # the tests may run long after this module was read


def verifier(issuer: Issuer | None = None) -> BearerVerifier:
    return BearerVerifier(KeySet((issuer or Issuer()).jwks), "barong")


def signed_with_the_public_key() -> str:
    """HS256 with the published key as its secret, which PyJWT itself refuses to make."""
    pem = (
        rsa_key(KID)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    unsigned = jwt.encode(bearer_claims(), "x" * 32, "HS256", headers={"kid": KID})
    content = unsigned.rpartition(".")[0]
    signature = jwt.utils.base64url_encode(algorithm.sign(content.encode(), pem))
    return f"{content}.{signature.decode()}"


async def test_a_token_stands_for_its_user() -> None:
    token = a_bearer(referral_uid="ID2", level=3)

    assert await verifier().principal(token) == Principal(
        *("ID0000000001", "user@example.com", "member", 3, "active", "ID2", "s1")
    )


@pytest.mark.parametrize("wanted", [ACCESS_TOKEN, UPSTREAM_TOKEN])
async def test_each_type_of_token_is_accepted_where_it_is_meant_to_be(wanted: str) -> None:
    verify = BearerVerifier(KeySet(Issuer().jwks), "barong", wanted)
    assert await verify.principal(a_bearer(typ=wanted))
    other = {ACCESS_TOKEN: UPSTREAM_TOKEN, UPSTREAM_TOKEN: ACCESS_TOKEN}[wanted]
    for typ in (other, wanted.swapcase(), f"application/{wanted}", None):
        with pytest.raises(BadBearerToken):
            await verify.principal(a_bearer(typ=typ))


async def test_sid_and_referral_may_be_absent() -> None:
    principal = await verifier().principal(a_bearer(sid=None, referral_uid=None))

    assert (principal.sid, principal.referral_uid) == (None, None)


async def test_an_issuer_whose_clock_is_ahead_is_believed() -> None:
    assert await verifier().principal(a_bearer(iat=NOW + DAY, exp=NOW + 2 * DAY))


@pytest.mark.parametrize(
    "changes",
    [
        {claim: None}
        for claim in (
            *("iss", "aud", "sub", "iat", "exp", "jti"),
            *("uid", "email", "role", "level", "state"),
        )
    ]
    + [
        {"iss": "peatio"},
        {"iss": "barong2"},
        {"aud": "peatio"},
        {"aud": []},
        {"sub": "confirmation"},
        {"sub": "reset"},
        {"sub": 1},
        pytest.param({"exp": NOW - 1}, id="exp a second ago"),
        {"exp": "soon"},
        pytest.param({"nbf": NOW + DAY}, id="nbf tomorrow"),
        {"jti": 1},
        {"uid": 1},
        {"email": ["user@example.com"]},
        {"role": {}},
        {"state": True},
        {"kid": "unknown"},
        {"kid": None},
        {"key": "a shared secret that is long enough", "algorithm": "HS256"},
        {"algorithm": "RS512"},
        {"algorithm": "PS256"},
        pytest.param({"key": rsa_key("another")}, id="another key"),
    ],
    ids=str,
)
async def test_another_token_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadBearerToken):
        await verifier().principal(a_bearer(**changes))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "...",
        "a.b.c",
        "\udcff.a.b",
        signed_with_the_public_key(),
        a_bearer().rpartition(".")[0] + ".",
        jwt.encode(bearer_claims(), "", "none", headers={"kid": KID}),
        a_bearer().replace(".", "..", 1),
        a_bearer(note="x" * MAX_TOKEN_LENGTH),
    ],
)
async def test_what_is_no_token_of_ours_is_refused(token: str) -> None:
    with pytest.raises(BadBearerToken):
        await verifier().principal(token)


async def test_while_no_keys_can_be_had_a_token_is_neither_good_nor_bad() -> None:
    issuer = Issuer()
    issuer.down = True

    with pytest.raises(Unavailable):
        await verifier(issuer).principal(a_bearer())


async def test_a_token_that_names_no_key_costs_no_second_request() -> None:
    issuer = Issuer()
    verify = verifier(issuer)
    for _ in range(3):
        with pytest.raises(BadBearerToken):
            await verify.principal(a_bearer(kid=None))

    assert issuer.asked == 1


class Clock:
    """The monotonic clock of the keys, which a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_token_that_comes_again_is_not_reckoned_again() -> None:
    verify, token = verifier(), a_bearer()

    assert await verify.principal(token) is await verify.principal(token)
    with pytest.raises(BadBearerToken):
        await verify.principal(token[:-8] + "AAAAAAAA")


async def test_a_token_that_was_good_ends_in_its_time() -> None:
    verify = verifier()

    async def accepted(token: str) -> bool:
        try:
            return bool(await verify.principal(token))
        except BadBearerToken:
            return False

    async def good() -> str:
        """A token that was accepted in time."""
        token = a_bearer(exp=int(time.time()) + 2)
        return token if await accepted(token) else ""

    token = await until(good)

    async def ended() -> bool:
        return not await accepted(token)

    await until(ended)


async def test_a_token_that_was_good_ends_with_its_key() -> None:
    clock = Clock()
    issuer = Issuer()
    verify, token = BearerVerifier(KeySet(issuer.jwks, clock), "barong"), a_bearer()
    assert await verify.principal(token)
    issuer.names = ("another",)
    clock.now += 301

    with pytest.raises(BadBearerToken):
        await verify.principal(token)


async def test_of_many_tokens_the_newest_are_cached() -> None:
    verify = BearerVerifier(KeySet(Issuer().jwks), "barong", cached=2)
    tokens = [a_bearer(level=level) for level in range(3)]
    first, second, third = [await verify.principal(token) for token in tokens]

    assert await verify.principal(tokens[2]) is third
    assert await verify.principal(tokens[1]) is second
    assert await verify.principal(tokens[0]) == first
    assert await verify.principal(tokens[0]) is not first


async def outcomes(keys: KeySet, *kids: str) -> list[type]:
    """What asking for all of them at the same time comes to."""
    asked = [keys.key(kid) for kid in kids]
    return [type(found) for found in await asyncio.gather(*asked, return_exceptions=True)]


async def test_many_who_miss_keys_at_the_same_time_cause_one_fetch() -> None:
    issuer = Issuer("a", "b")
    issuer.seconds = 0.01

    found = await outcomes(KeySet(issuer.jwks), *["a", "b", "invented"] * 20)

    assert found == [jwt.PyJWK, jwt.PyJWK, UnknownKeyError] * 20
    assert issuer.asked == 1


async def test_a_flood_of_invented_keys_costs_one_fetch_in_two_seconds() -> None:
    clock = Clock()
    issuer = Issuer()
    keys = KeySet(issuer.jwks, clock)
    for second in range(10):
        clock.now = 1000.0 + second
        assert set(await outcomes(keys, *(f"{second}.{n}" for n in range(50)))) == {UnknownKeyError}
        assert await outcomes(keys, KID) == [jwt.PyJWK]

    assert issuer.asked <= 5


async def test_a_new_key_is_known_soon_and_an_old_one_forgotten() -> None:
    clock = Clock()
    issuer = Issuer("old")
    keys = KeySet(issuer.jwks, clock)
    await keys.key("old")
    issuer.names = ("new",)
    clock.now += 2.1

    assert await outcomes(keys, "new") == [jwt.PyJWK]
    assert await outcomes(keys, "old") == [UnknownKeyError]


async def test_known_keys_are_fetched_again_every_five_minutes() -> None:
    clock = Clock()
    issuer = Issuer()
    keys = KeySet(issuer.jwks, clock)
    for seconds, asked in ((0, 1), (299, 1), (2, 2), (1, 2)):
        clock.now += seconds
        await keys.key(KID)
        assert issuer.asked == asked


async def test_known_keys_serve_on_while_the_issuer_is_down() -> None:
    clock = Clock()
    issuer = Issuer()
    keys = KeySet(issuer.jwks, clock)
    await keys.key(KID)
    issuer.down = True
    clock.now += 301

    assert await outcomes(keys, KID, "unknown") == [jwt.PyJWK, Unavailable]
    issuer.down = False
    clock.now += 2.1
    assert await outcomes(keys, KID, "unknown") == [jwt.PyJWK, UnknownKeyError]


async def test_an_issuer_that_hangs_is_waited_for_once_by_all_together() -> None:
    issuer = Issuer()
    issuer.down, issuer.seconds = True, 0.1
    keys = KeySet(issuer.jwks)

    async with asyncio.timeout(30):
        assert set(await outcomes(keys, *["a"] * 50)) == {Unavailable}
    assert issuer.asked == 1


async def test_while_the_issuer_hangs_known_keys_serve_at_once() -> None:
    clock = Clock()
    issuer = Issuer()
    keys = KeySet(issuer.jwks, clock)
    await keys.key(KID)
    issuer.seconds = 60
    clock.now += 301
    first = asyncio.create_task(keys.key(KID))
    await asyncio.sleep(0)

    try:
        async with asyncio.timeout(30):  # less than the issuer takes
            assert await outcomes(keys, *[KID] * 50) == [jwt.PyJWK] * 50
        assert issuer.asked == 2
    finally:
        first.cancel()


async def test_readiness_wants_keys_once() -> None:
    clock = Clock()
    issuer = Issuer()
    issuer.down = True
    keys = KeySet(issuer.jwks, clock)
    with pytest.raises(Unavailable):
        await keys.loaded()
    issuer.down = False
    clock.now += 1
    await keys.loaded()
    issuer.down = True
    clock.now += 1000

    await keys.loaded()
