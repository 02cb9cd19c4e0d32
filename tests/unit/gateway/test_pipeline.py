"""The decision pipeline: every result that it can have."""

import asyncio
import base64
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from multidict import CIMultiDict, MultiMapping
from prometheus_client import CollectorRegistry

from authz_gateway.authn.api_keys import AuthenticateApiKey
from authz_gateway.authn.call import Call, Caller
from authz_gateway.authn.errors import InvalidSignature
from authz_gateway.authn.nonces import SharedNonces
from authz_gateway.authn.proofs import PROOF_MILLISECONDS, ProofChecker
from authz_gateway.authn.sessions import Binding
from authz_gateway.authz.pipeline import WHITELINK_PAGE, WHITELINK_PATH, Decide
from authz_gateway.authz.policy import CompiledPolicy
from authz_gateway.authz.rate_limits import ANONYMOUS, AUDITED_RATE, RateLimits
from authz_gateway.routing.route_table import DEFAULT_BURST, UNROUTED, Access, Rate
from shared.contracts.api_keys import ED25519, HMAC_SHA256, Nonce, SigningKey
from shared.contracts.policy import Permission, Policy, Restriction
from shared.contracts.sessions import ResolvedSession, UserToken
from shared.crypto.key_ring import KeyRing
from shared.errors import Refusal, Unauthenticated, Unavailable
from shared.policy.places import Unmapped
from shared.tokens.bearer import BadBearerToken
from shared.tokens.dpop import ProofNonces
from shared.values.addresses import Address
from shared.values.principal import Principal
from shared.web.errors import status_of
from tests.unit.gateway import builders
from tests.unit.gateway.builders import (
    CSRF_TOKEN,
    Sign,
    a_key,
    a_session,
    a_user,
    an_owner,
    another,
    by_secret,
    content_digest,
    message_signed,
    signed_with,
)

COOKIE = {"Cookie": "other=1; _barong_session=living"}
CSRF = {"X-CSRF-Token": CSRF_TOKEN}
BEARER = {"Authorization": "Bearer genuine"}
NOW, LIFETIME = 1_700_000_000_000, 5000
MAX_BODY = 1000
PATH = "/api/v2/barong/resource/users/me"


@dataclass
class Sessions:
    """The session with cookie `living` and sid `sid-1`; None: there is no session."""

    session: ResolvedSession | None
    down: bool = False
    can_bind: bool = True
    revoked: list[str] = field(default_factory=list)

    async def by_cookie(self, cookie: str) -> ResolvedSession | None:
        if self.down:
            raise Unavailable("identity-svc")
        return self.session if cookie == "living" else None

    async def by_sid(self, sid: str) -> ResolvedSession | None:
        if self.down:
            raise Unavailable("identity-svc")
        return self.session if sid == "sid-1" else None

    async def add_network(
        self, session: ResolvedSession, address: Address
    ) -> ResolvedSession | None:
        if self.down:
            raise Unavailable("identity-svc")
        if self.session is None or not self.can_bind:
            return self.session
        network = str(ip_network((address, 16 if address.version == 4 else 64), strict=False))
        self.session = replace(session, other_network=network)
        return self.session

    async def revoke(self, sid: str) -> None:
        self.revoked.append(sid)


@dataclass
class Bearers:
    """Knows one token, in which the user is still an admin."""

    sid: str | None = "sid-1"

    async def principal(self, token: str) -> Principal:
        if token != "genuine":
            raise BadBearerToken
        return Principal("ID1", "one@barong.io", "admin", 3, "active", None, self.sid)


@dataclass
class ApiKeys:
    """The key `kid-1`; None: there is no key, or no owner."""

    key: SigningKey | None = field(default_factory=a_key)
    holder: UserToken | None = field(default_factory=an_owner)
    down: bool = False
    owner_down: bool = False

    async def by_kid(self, kid: str) -> SigningKey | None:
        if self.down:
            raise Unavailable("resource-svc")
        return self.key if kid == "kid-1" else None

    async def owner(self, uid: str) -> UserToken | None:
        if self.owner_down:
            raise Unavailable("identity-svc")
        return self.holder if uid == "ID1" else None


@dataclass
class PolicyInForce:
    loaded: bool = True
    restrictions: tuple[Restriction, ...] = ()

    def get(self) -> CompiledPolicy:
        if not self.loaded:
            raise Unavailable("admin-svc")
        rules = (
            Permission("member", "ALL", "api/v2/barong/resource", "ACCEPT", None),
            Permission("member", "DELETE", "api/v2/barong/resource", "DROP", None),
            Permission("admin", "ALL", "api/v2/barong/admin", "ACCEPT", None),
            Permission("member", "PUT", "api/v2/barong/resource", "AUDIT", None),
            Permission("member", "PATCH", "api/v2/barong/resource", "AUDIT", "everything"),
            Permission("member", "PATCH", "api/v2/barong/resource/users", "AUDIT", "users"),
            Permission("member", "DELETE", "api/v2/barong/resource", "AUDIT", "deeds"),
        )
        return CompiledPolicy(Policy(1, rules, self.restrictions))


@dataclass
class Audits:
    """Records allowed and denied calls."""

    kept: list[tuple[str, str, str, str | None]] = field(default_factory=list)
    down: bool = False

    async def record_allowed(self, call: Call, uid: str, topic: str | None) -> None:
        if self.down:
            raise Unavailable("audit")
        self.kept.append(("passed", call.method, uid, topic))

    async def record_denied(self, call: Call, uid: str, topic: str | None) -> None:
        self.kept.append(("denied", call.method, uid, topic))


def a_call(headers: MultiMapping[str] | dict[str, str], **fields: Any) -> Call:
    """A call with a browser's headers, or with the given ones."""
    if isinstance(headers, dict):
        headers = CIMultiDict({"User-Agent": "browser"} | headers)
    return builders.a_call(headers, **{"scope": "resource", **fields})


@dataclass
class NonceStore:
    """Stands for resource-svc's store of nonces."""

    used: set[tuple[str, int, str]] = field(default_factory=set)
    down: bool = False

    async def use_nonces(self, nonces: Sequence[Nonce], lifetime: int) -> list[bool]:
        if self.down:
            raise Unavailable("resource-svc")
        fresh = [nonce.identity not in self.used for nonce in nonces]
        self.used.update(nonce.identity for nonce in nonces)
        return fresh


def api_key_authenticator(
    api_keys: ApiKeys | None = None,
    store: NonceStore | None = None,
    clock: Callable[[], int] = lambda: NOW,
) -> AuthenticateApiKey:
    return AuthenticateApiKey(
        api_keys=api_keys or ApiKeys(),
        nonces=SharedNonces(store or NonceStore(), LIFETIME),
        lifetime=LIFETIME,
        max_body_bytes=MAX_BODY,
        clock=clock,
    )


def rate_limits(*, enabled: bool = True) -> RateLimits:
    return RateLimits(CollectorRegistry(), enabled=enabled, clock=lambda: 0)


def a_decision(**overrides: Any) -> Decide:
    fields: dict[str, Any] = {
        "sessions": Sessions(a_session()),
        "bearers": Bearers(),
        "access_tokens": builders.access_tokens(),
        "proofs": ProofChecker(
            issuer="https://barong.example",
            used=SharedNonces(NonceStore(), PROOF_MILLISECONDS),
            nonces=ProofNonces(KeyRing({"k": b"k" * 32})),
            nonce_needed=False,
        ),
        "authenticate_api_key": api_key_authenticator(),
        "places": Unmapped(),
        "policy": PolicyInForce(),
        "rate_limits": rate_limits(),
        "audits": Audits(),
        "cookie_name": "_barong_session",
        "csrf_protection": True,
        "binding": Binding(user_agent=True, network=True),
        "issuer": "https://barong.example",
    }
    return Decide(**{**fields, **overrides})


async def refusal_of(decide: Decide, call: Call) -> tuple[int, str]:
    with pytest.raises(Refusal) as caught:
        await decide(call)
    return status_of(caught.value), ",".join(caught.value.codes)


MEMBER = Principal("ID1", "one@barong.io", "member", 1, "active", None, "sid-1")


@pytest.mark.parametrize(
    "call",
    [
        a_call(COOKIE),
        a_call(COOKIE, method="HEAD"),
        a_call(COOKIE | CSRF, method="POST"),
        a_call({"Cookie": "_barong_session=living;"}),
        a_call({"cookie": " a=b;_barong_session = living"}),
        a_call(BEARER),
        a_call(BEARER, method="POST"),
        a_call({"authorization": "bearer   genuine"}),
        a_call(BEARER, address="192.0.2.1"),
        a_call(BEARER | {"Cookie": "_barong_session=dead"}),
    ],
)
async def test_a_session_authenticates_its_user(call: Call) -> None:
    """Not as they were when the token was issued."""
    assert await a_decision()(call) == Caller(MEMBER, "fresh-token")


@pytest.mark.parametrize(
    "headers",
    [{}, COOKIE, BEARER, {"Authorization": "Bearer forged"}, {"X-Auth-Apikey": "half a signature"}],
)
async def test_a_public_path_needs_no_credentials(headers: dict[str, str]) -> None:
    decide = a_decision(sessions=Sessions(None, down=True))
    assert await decide(a_call(headers, method="POST", access=Access.PUBLIC)) is None


async def test_a_pending_user_may_call() -> None:
    session = a_session(user=a_user(state="pending"))
    caller = await a_decision(sessions=Sessions(session))(a_call(COOKIE))
    assert caller is not None
    assert caller.principal.state == "pending"


TWO_BEARERS = CIMultiDict([("Authorization", "Bearer genuine"), ("Authorization", "Bearer x")])
BASIC_AND_BEARER = CIMultiDict([("Authorization", "Basic x"), ("Authorization", "Bearer genuine")])
TWO_COOKIES_AND = {"Cookie": "_barong_session=dead; _barong_session=living"}
DEAD_COOKIES = "; ".join(f"_barong_session=dead-{number}" for number in range(4))

NO_SESSION = (401, "authz.invalid_session")
NO_BEARER = (401, "jwt.decode_and_verify")
MISSING_CSRF = (401, "authz.missing_csrf_token")
WRONG_CSRF = (401, "authz.csrf_token_mismatch")
NO_PERMISSION = (401, "authz.invalid_permission")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (a_call(COOKIE, access=Access.BLOCKED), (401, "authz.permission_denied")),
        (a_call({}), NO_SESSION),
        (a_call({}, method="POST"), NO_SESSION),
        (a_call({"Cookie": "_barong_session="}), NO_SESSION),
        (a_call({"Cookie": "_barong_session=dead"}), NO_SESSION),
        (a_call({"Cookie": "x_barong_session=living"}), NO_SESSION),
        (a_call({"Cookie": "_barong_session=dead; _barong_session=dead-2"}), NO_SESSION),
        (a_call({"Cookie": f"{DEAD_COOKIES}; _barong_session=living"}), NO_SESSION),
        (a_call(TWO_COOKIES_AND | {"X-CSRF-Token": "undefined"}, method="POST"), WRONG_CSRF),
        *((a_call(COOKIE, method=method), MISSING_CSRF) for method in ("POST", "PUT", "PATCH")),
        *((a_call(COOKIE, method=method), MISSING_CSRF) for method in ("DELETE", "TRACE")),
        *((a_call(COOKIE, method=method), MISSING_CSRF) for method in ("PURGE", "CONNECT", "get")),
        (a_call(COOKIE | {"X-CSRF-Token": ""}, method="POST"), MISSING_CSRF),
        (a_call(COOKIE | {"X-CSRF-Token": "undefined"}, method="POST"), WRONG_CSRF),
        (a_call(COOKIE | {"X-CSRF-Token": "\udcff"}, method="POST"), WRONG_CSRF),
        (a_call({"Cookie": "_barong_session=dead"} | CSRF, method="POST"), WRONG_CSRF),
        (a_call({"Authorization": ""}), NO_SESSION),
        (a_call({"Authorization": "Basic genuine"}), NO_SESSION),
        (a_call({"Authorization": "Bearer "}), NO_BEARER),
        (a_call({"Authorization": "Bearer forged"} | COOKIE), NO_BEARER),
        (a_call({"Authorization": "bearer"} | COOKIE), NO_BEARER),
        (a_call(BASIC_AND_BEARER), NO_BEARER),
        (a_call(TWO_BEARERS), NO_BEARER),
        (a_call(COOKIE | CSRF, method="DELETE"), NO_PERMISSION),
        (a_call(COOKIE, path="/api/v2/barong/admin/users"), NO_PERMISSION),
        (a_call(BEARER, path="/api/v2/barong/admin/users"), NO_PERMISSION),
    ],
)
async def test_refuses(call: Call, expected: tuple[int, str]) -> None:
    assert await refusal_of(a_decision(), call) == expected


@pytest.mark.parametrize(
    "cookies",
    [
        ["_barong_session=living; _barong_session=living"],
        ["_barong_session=living; _barong_session=dead"],
        ["_barong_session=dead; _barong_session=living"],
        ["_barong_session=dead", "a=b; _barong_session=living"],
        ["_barong_session=; _barong_session=living"],
        [f"{DEAD_COOKIES.rpartition(';')[0]}; _barong_session=living"],
        [f"{'_barong_session=dead; ' * 9}_barong_session=living"],
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_any_valid_cookie_of_several_counts(cookies: list[str], method: str) -> None:
    headers = CIMultiDict({"User-Agent": "browser"} | CSRF)
    headers.extend([("Cookie", each) for each in cookies])
    assert await a_decision()(a_call(headers, method=method)) == Caller(MEMBER, "fresh-token")


@pytest.mark.parametrize("value", ["Basic genuine", "Digest x", "", "Bearerx y", "token"])
async def test_other_schemes_than_bearer_are_ignored(value: str) -> None:
    call = a_call(COOKIE | {"Authorization": value})
    assert await a_decision()(call) == Caller(MEMBER, "fresh-token")


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_safe_methods_need_no_csrf_token(method: str) -> None:
    assert await a_decision()(a_call(COOKIE, method=method)) is not None


@pytest.mark.parametrize("state", ["banned", "deleted", "locked", "anything"])
@pytest.mark.parametrize("headers", [COOKIE, BEARER])
async def test_refuses_a_user_who_is_not_active(state: str, headers: dict[str, str]) -> None:
    sessions = Sessions(a_session(user=a_user(state=state)))
    refusal = await refusal_of(a_decision(sessions=sessions), a_call(headers, address="192.0.2.1"))
    assert refusal == (401, "authz.user_not_active")
    assert sessions.revoked == []


async def test_the_bearer_of_an_api_key_is_refused() -> None:
    decide = a_decision(bearers=Bearers(sid=None), sessions=Sessions(None, down=True))
    assert await refusal_of(decide, a_call(BEARER)) == NO_BEARER


async def test_a_bearer_ends_with_its_session() -> None:
    assert await refusal_of(a_decision(sessions=Sessions(None)), a_call(BEARER)) == NO_BEARER


@pytest.mark.parametrize("headers", [COOKIE, BEARER])
async def test_unavailable_identity_is_503_and_not_401(headers: dict[str, str]) -> None:
    decide = a_decision(sessions=Sessions(None, down=True))
    assert await refusal_of(decide, a_call(headers)) == (503, "server.unavailable")


@pytest.mark.parametrize("access", Access)
async def test_without_a_policy_every_call_gets_503(access: Access) -> None:
    decide = a_decision(policy=PolicyInForce(loaded=False))
    refusal = await refusal_of(decide, a_call(COOKIE, access=access))
    assert refusal == (503, "server.unavailable")


ANOTHER_BROWSER = a_call(COOKIE | {"User-Agent": "another"})
NO_BROWSER = a_call(CIMultiDict(COOKIE))
ANOTHER_NETWORK = a_call(COOKIE, address="10.2.0.1")
ANOTHER_PROTOCOL = a_call(COOKIE, address="2001:db8::1")


@pytest.mark.parametrize("call", [ANOTHER_BROWSER, NO_BROWSER, ANOTHER_NETWORK])
async def test_a_session_ends_when_another_client_uses_it(call: Call) -> None:
    sessions = Sessions(a_session())
    refusal = await refusal_of(a_decision(sessions=sessions), call)
    assert refusal == (401, "authz.client_session_mismatch")
    assert sessions.revoked == ["sid-1"]


async def test_the_first_network_of_the_other_family_is_added() -> None:
    sessions = Sessions(a_session())
    decide = a_decision(sessions=sessions)
    for address in ("2001:db8::1", "10.1.2.3", "2001:db8::ffff:2", "10.1.9.9"):
        assert await decide(a_call(COOKIE, address=address)) == Caller(MEMBER, "fresh-token")
    assert sessions.revoked == []
    refusal = await refusal_of(decide, a_call(COOKIE, address="2001:db8:0:1::1"))
    assert refusal == (401, "authz.client_session_mismatch")
    assert sessions.revoked == ["sid-1"]


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        (Sessions(a_session(), can_bind=False), (401, "authz.client_session_mismatch")),
        (Sessions(a_session(network="2001:db8::/64", user=a_user(state="banned"))), None),
    ],
)
async def test_a_session_that_cannot_be_bound_is_refused(
    sessions: Sessions, expected: tuple[int, str] | None
) -> None:
    """`None`: the user's state is reported, and no network is added."""
    call = ANOTHER_PROTOCOL if expected else a_call(COOKIE)
    assert await refusal_of(a_decision(sessions=sessions), call) == (
        expected or (401, "authz.user_not_active")
    )


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1_2 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1"
)
CHROME = (
    "Mozilla/5.0 (Linux; Android 13; SM-G991B Build/TP1A.220624.014) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/119.0.6045.66 Mobile Safari/537.36"
)


@pytest.mark.parametrize(
    ("opened", "updated"),
    [
        (FIREFOX, FIREFOX.replace("109.0", "120.0.1").replace("115.0", "120.0.1")),
        (SAFARI, SAFARI.replace("17_1_2", "17_2").replace("17.1", "17.2").replace("604", "605")),
        (CHROME, CHROME.replace("119.0.6045.66", "120.0.0.0").replace("13", "14")),
        (CHROME, CHROME.replace("TP1A.220624.014", "UP1A.231005.007")),
        ("app/1.2.3 (build 77)", "app/2.0.0-beta1 (build 80)"),
        ("x" * 600, "x" * 700),
    ],
)
async def test_an_update_of_the_browser_does_not_end_the_session(opened: str, updated: str) -> None:
    sessions = Sessions(a_session(user_agent=opened))
    call = a_call(CIMultiDict(COOKIE | {"User-Agent": updated}))
    assert await a_decision(sessions=sessions)(call) == Caller(MEMBER, "fresh-token")


@pytest.mark.parametrize(
    ("opened", "other"),
    [
        (FIREFOX, CHROME),
        (FIREFOX, FIREFOX.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64")),
        (CHROME, CHROME.replace("SM-G991B", "SM-S918B")),
        ("app/1.0", "apple/1.0"),
        ("app/1.0", ""),
    ],
)
async def test_another_browser_is_another_client(opened: str, other: str) -> None:
    sessions = Sessions(a_session(user_agent=opened))
    call = a_call(CIMultiDict(COOKIE | {"User-Agent": other}))
    refusal = await refusal_of(a_decision(sessions=sessions), call)
    assert refusal == (401, "authz.client_session_mismatch")


@pytest.mark.parametrize(
    ("binding", "call"),
    [
        (Binding(user_agent=False, network=True), ANOTHER_BROWSER),
        (Binding(user_agent=True, network=False), ANOTHER_NETWORK),
    ],
)
async def test_each_binding_can_be_switched_off(binding: Binding, call: Call) -> None:
    assert await a_decision(binding=binding)(call) == Caller(MEMBER, "fresh-token")


async def test_csrf_protection_can_be_switched_off() -> None:
    decide = a_decision(csrf_protection=False)
    assert await decide(a_call(COOKIE, method="POST")) == Caller(MEMBER, "fresh-token")


def restricted(category: str = "blacklist", value: str = "10.1.2.3", code: int = 471) -> Decide:
    """A pipeline with one restriction of an address."""
    restriction = Restriction(category, "ip", value, code)
    return a_decision(policy=PolicyInForce(restrictions=(restriction,)))


@pytest.mark.parametrize("category", ["blacklist", "maintenance"])
@pytest.mark.parametrize("access", Access)
@pytest.mark.parametrize("headers", [{}, COOKIE, BEARER, signed_with("kid-1", "a secret", NOW)])
async def test_a_restriction_comes_first(
    category: str, access: Access, headers: dict[str, str]
) -> None:
    refusal = await refusal_of(restricted(category), a_call(headers, access=access, method="POST"))
    assert refusal == (471, f"authz.restrict.{category}")


async def test_a_restriction_refuses_no_other_address() -> None:
    assert await restricted(value="10.1.2.4")(a_call(COOKIE)) == Caller(MEMBER, "fresh-token")


async def test_a_whitelist_is_no_credential() -> None:
    assert await refusal_of(restricted("whitelist"), a_call({})) == NO_SESSION
    assert await restricted("whitelist")(a_call(COOKIE)) == Caller(MEMBER, "fresh-token")


async def test_the_whitelink_path_is_never_restricted() -> None:
    call = a_call({}, method="POST", path=WHITELINK_PATH, access=Access.PUBLIC)
    assert await restricted()(call) is None
    assert await a_decision(policy=PolicyInForce(loaded=False))(call) is None
    beside = a_call({}, method="POST", path=f"{WHITELINK_PATH}/x", access=Access.PUBLIC)
    assert await refusal_of(restricted(), beside) == (471, "authz.restrict.blacklist")


async def test_the_page_for_whitelinks_is_never_restricted_where_pages_are() -> None:
    page = a_call({}, path=WHITELINK_PAGE, access=Access.PUBLIC, page=True)
    assert await restricted()(page) is None
    somebody_elses = a_call({}, path=WHITELINK_PAGE, access=Access.PUBLIC)
    assert await refusal_of(restricted(), somebody_elses) == (471, "authz.restrict.blacklist")


KEY = signed_with("kid-1", "a secret", NOW)
OWNER = Principal("ID1", "one@barong.io", "member", 1, "active", None, None)


@pytest.mark.parametrize(
    "headers",
    [
        KEY,
        KEY | COOKIE,
        KEY | BEARER,
        KEY | {"Authorization": "Bearer forged"},
        KEY | {"User-Agent": "another"},
        {name.lower(): f" {value} " for name, value in KEY.items()},
        *(signed_with("kid-1", "a secret", NOW + off) for off in (-LIFETIME, LIFETIME)),
        signed_with("kid-1", "a secret", f"00{NOW}"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_signature_authenticates_the_owner(headers: dict[str, str], method: str) -> None:
    """Other credentials, the User-Agent and CSRF tokens do not matter."""
    caller = await a_decision()(a_call(headers, method=method, address="192.0.2.1"))
    assert caller == Caller(OWNER, "token-of-key", kid="kid-1")


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in KEY.items() if key != name}


def signed_at(nonce: object, secret: str = "a secret") -> dict[str, str]:
    return signed_with("kid-1", secret, nonce)


TWO_KIDS = CIMultiDict([*KEY.items(), ("X-Auth-Apikey", "kid-1")])
WRONG_HEADERS = (422, "authz.invalid_api_key_headers")
UNKNOWN_KEY = (401, "authz.unexistent_apikey")
NO_TIMESTAMP = (401, "authz.nonce_not_valid_timestamp")
EXPIRED = (401, "authz.nonce_expired")
BAD_SIGNATURE = (401, "authz.invalid_signature")
INACTIVE = (401, "authz.apikey_not_active")
NO_SECOND_FACTOR = (401, "authz.disabled_2fa")
DOWN = (503, "server.unavailable")
LATE = NOW - LIFETIME - 1


@pytest.mark.parametrize(
    ("api_keys", "call", "expected"),
    [
        *((ApiKeys(down=True), a_call(without(name)), WRONG_HEADERS) for name in KEY),
        *((ApiKeys(down=True), a_call(KEY | {name: "  "}), WRONG_HEADERS) for name in KEY),
        (ApiKeys(down=True), a_call(COOKIE | BEARER | {"X-Auth-Nonce": ""}), WRONG_HEADERS),
        (ApiKeys(down=True), a_call(TWO_KIDS), WRONG_HEADERS),
        (ApiKeys(down=True), a_call(KEY), DOWN),
        (ApiKeys(None), a_call(signed_at("x")), UNKNOWN_KEY),
        (ApiKeys(), a_call(signed_with("KID-1", "a secret", NOW)), UNKNOWN_KEY),
        *(
            (ApiKeys(down=True), a_call(KEY | {"X-Auth-Apikey": kid}), UNKNOWN_KEY)
            for kid in ("\udcff", "ü", "a b", "x" * 65)
        ),
        *(
            (ApiKeys(), a_call(signed_at(nonce, "wrong")), NO_TIMESTAMP)
            for nonce in ("x", "0", "000", "-1", f"+{NOW}", f"{NOW}.0", f"{NOW}x", "1_0", "9" * 99)
        ),
        (ApiKeys(), a_call({**KEY, "X-Auth-Nonce": "\u0661"}), NO_TIMESTAMP),
        (ApiKeys(), a_call(signed_at(LATE, "wrong")), EXPIRED),
        (ApiKeys(), a_call(signed_at(NOW + LIFETIME + 1)), EXPIRED),
        (ApiKeys(), a_call(signed_at(NOW // 1000)), EXPIRED),
        (ApiKeys(a_key(state="inactive")), a_call(signed_at(NOW, "wrong")), BAD_SIGNATURE),
        (ApiKeys(), a_call(KEY | {"X-Auth-Nonce": str(NOW + 1)}), BAD_SIGNATURE),
        (ApiKeys(), a_call(KEY | {"X-Auth-Signature": "\udcff"}), BAD_SIGNATURE),
        *(
            (ApiKeys(a_key(state=state), None, owner_down=True), a_call(KEY), INACTIVE)
            for state in ("inactive", "disabled", "")
        ),
        (ApiKeys(owner_down=True), a_call(KEY), DOWN),
        (ApiKeys(holder=None), a_call(KEY), NO_SESSION),
        *(
            (ApiKeys(holder=an_owner(state=state, otp=False)), a_call(KEY), NO_SESSION)
            for state in ("banned", "deleted", "locked", "anything")
        ),
        (ApiKeys(holder=an_owner(otp=False)), a_call(KEY, method="DELETE"), NO_SECOND_FACTOR),
        (ApiKeys(), a_call(KEY, method="DELETE"), NO_PERMISSION),
        (ApiKeys(), a_call(KEY, path="/api/v2/barong/admin/users"), NO_PERMISSION),
        (ApiKeys(a_key(scope=("trade",))), a_call(KEY), NO_PERMISSION),
        (ApiKeys(a_key(scope=("resources",))), a_call(KEY), NO_PERMISSION),
        (ApiKeys(a_key(scope=("resource",))), a_call(KEY, scope=""), NO_PERMISSION),
    ],
)
async def test_refuses_a_signed_call(
    api_keys: ApiKeys, call: Call, expected: tuple[int, str]
) -> None:
    """In this order: each call also has the faults of later rows, where these can be combined."""
    assert (
        await refusal_of(a_decision(authenticate_api_key=api_key_authenticator(api_keys)), call)
        == expected
    )


async def test_a_pending_owner_may_call() -> None:
    api_keys = ApiKeys(holder=an_owner(state="pending"))
    assert (
        await a_decision(authenticate_api_key=api_key_authenticator(api_keys))(a_call(KEY))
        is not None
    )


async def test_a_key_with_the_routes_scope_may_call() -> None:
    api_keys = ApiKeys(a_key(scope=("trade", "resource")))
    assert (
        await a_decision(authenticate_api_key=api_key_authenticator(api_keys))(a_call(KEY))
        is not None
    )


async def test_a_nonce_works_once() -> None:
    decide = a_decision()
    assert await decide(a_call(KEY)) is not None
    used = (401, "authz.nonce_used")
    assert await refusal_of(decide, a_call(KEY)) == used
    assert await refusal_of(decide, a_call(signed_at(f"0{NOW}"))) == used
    assert await decide(a_call(signed_at(NOW + 1))) is not None


async def test_a_call_with_503_may_be_repeated() -> None:
    api_keys = ApiKeys(owner_down=True)
    decide = a_decision(authenticate_api_key=api_key_authenticator(api_keys))
    assert await refusal_of(decide, a_call(KEY)) == DOWN
    api_keys.owner_down = False
    assert await decide(a_call(KEY)) is not None


async def test_a_nonce_may_expire_during_the_lookup_of_the_owner() -> None:
    times = iter([NOW, NOW + LIFETIME + 1])
    authenticate = api_key_authenticator(clock=lambda: next(times))
    assert await refusal_of(a_decision(authenticate_api_key=authenticate), a_call(KEY)) == EXPIRED


async def test_a_nonce_that_another_gateway_used_is_used() -> None:
    store = NonceStore({Nonce("kid-1", NOW).identity})
    used = (401, "authz.nonce_used")
    for _ in range(2):
        assert (
            await refusal_of(
                a_decision(authenticate_api_key=api_key_authenticator(store=store)), a_call(KEY)
            )
            == used
        )


async def test_a_nonce_may_be_sent_again_after_an_error() -> None:
    store = NonceStore(down=True)
    decide = a_decision(authenticate_api_key=api_key_authenticator(store=store))
    assert await refusal_of(decide, a_call(KEY)) == DOWN
    store.down = False
    assert await decide(a_call(KEY)) is not None


async def test_a_nonce_is_used_up_by_a_call_that_fails_after_it() -> None:
    audits = Audits(down=True)
    decide, call = a_decision(audits=audits), a_call(KEY, method="PUT")
    with pytest.raises(Unavailable):
        await decide(call)
    audits.down = False
    assert await refusal_of(decide, call) == (401, "authz.nonce_used")


A_BODY = b'{"amount": 1}'
NOW_SECONDS = NOW // 1000
PRIVATE_KEY = Ed25519PrivateKey.generate()
PUBLIC_KEY = base64.urlsafe_b64encode(PRIVATE_KEY.public_key().public_bytes_raw()).decode()[:-1]
ED25519_KEY = ApiKeys(a_key(algorithm=ED25519, secret=None, public_key=PUBLIC_KEY))
HMAC_KEY = ApiKeys(a_key(algorithm=HMAC_SHA256))
SECRET = by_secret("a secret")
TARGET = f"{PATH}?a=1&b=%20"


def a_message(
    *,
    sign: Sign = SECRET,
    method: str = "POST",
    target: str = TARGET,
    body: bytes | None = A_BODY,
    sent: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
    **signature: Any,
) -> Call:
    """A call with a message signature; `sent`: fields that were changed after signing."""
    signature = {"created": NOW_SECONDS, **signature}
    given = message_signed("kid-1", sign, method, target, body=body, **signature)
    path, _, query = target.partition("?")
    wired = {"method": method, "path": path, "query": query, "body": body or b"", "target": target}
    return a_call({**given, **(headers or {})}, **{**wired, **(sent or {})})


LATEST = (NOW + LIFETIME) // 1000
EARLIEST = (NOW - LIFETIME) // 1000


@pytest.mark.parametrize("key", [ApiKeys(), HMAC_KEY, ED25519_KEY])
@pytest.mark.parametrize(
    "call",
    [
        {},
        {"method": "GET", "target": PATH, "body": None},
        {"method": "GET", "body": None},
        {"method": "GET", "body": b""},
        {"body": b""},
        {"body": b"x" * MAX_BODY},
        {"headers": {"Cookie": "_barong_session=dead", "Authorization": "Bearer forged"}},
        {"created": LATEST},
        {"created": EARLIEST},
        {"parameters": f";expires={NOW_SECONDS + 1}"},
        {"parameters": ';tag="barong"'},
        {"target": "/resource/users/me?a=1", "sent": {"path": PATH}},
    ],
)
async def test_a_message_signature_authenticates_the_owner(
    key: ApiKeys, call: dict[str, Any]
) -> None:
    sign = PRIVATE_KEY.sign if key is ED25519_KEY else SECRET
    caller = await a_decision(authenticate_api_key=api_key_authenticator(key))(
        a_message(sign=sign, **call)
    )
    assert caller == Caller(OWNER, "token-of-key", kid="kid-1")


MORE = {
    "@authority": ('"@authority"', "api.example.com"),
    "@scheme": ('"@scheme"', "http"),
    "@target-uri": ('"@target-uri"', f"http://api.example.com{TARGET}"),
    "@request-target": ('"@request-target"', TARGET),
    "@query-param": ('"@query-param";name="b"', "%20"),
    "a field": ('"content-type"', "text/plain"),
    "a field with two lines": ('"accept"', "a, b"),
}


@pytest.mark.parametrize("name", MORE)
async def test_additional_components_may_be_covered(name: str) -> None:
    given = message_signed(
        "kid-1", SECRET, "POST", TARGET, body=A_BODY, created=NOW_SECONDS, more=[MORE[name]]
    )
    headers = CIMultiDict(
        {**given, "Host": "API.example.com:80", "Content-Type": "text/plain", "Accept": "a"}
    )
    headers.add("Accept", "b")
    path, _, query = TARGET.partition("?")
    call = a_call(headers, method="POST", path=path, query=query, body=A_BODY)
    assert await a_decision()(call) is not None


HTTPS = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "api.example.com:443"}
COVERED_HTTPS = [('"@target-uri"', f"https://api.example.com{TARGET}")]


@pytest.mark.parametrize(
    ("more", "trusted", "expected"),
    [
        (HTTPS, True, None),
        (HTTPS, False, (401, "authz.invalid_signature")),
        (HTTPS | {"X-Forwarded-Proto": "https, http"}, True, (422, "authz.invalid_component")),
        (HTTPS | {"X-Forwarded-Proto": "https, https"}, True, None),
    ],
)
async def test_scheme_and_host_come_from_a_trusted_proxy(
    more: dict[str, str], trusted: bool, expected: tuple[int, str] | None
) -> None:
    call = a_message(more=COVERED_HTTPS, headers={"Host": "gateway:8080", **more})
    call = another(call, trusted=trusted)
    if expected is None:
        assert await a_decision()(call) is not None
    else:
        assert await refusal_of(a_decision(), call) == expected


def rewritten(headers: dict[str, str], **changed: Any) -> Call:
    """A signed call with some other headers than the signer sent."""
    return a_message(headers={name.replace("_", "-"): v for name, v in headers.items()}, **changed)


OTHER_DIGEST = content_digest(b"x")
TOO_LARGE = (413, "request.too_large")
UNREADABLE = (422, "authz.invalid_signature_input")
NOT_COVERED = (422, "authz.missing_component")
NO_COMPONENT = (422, "authz.invalid_component")
BAD_DIGEST = (422, "authz.invalid_content_digest")
OTHER_BODY = (401, "authz.content_digest_mismatch")
OTHER_ALGORITHM = (401, "authz.wrong_signature_algorithm")
STALE = (401, "authz.signature_expired")
ZEROS = base64.b64encode(bytes(32)).decode()
PARAMETERS = f';created={NOW_SECONDS};keyid="kid-1";nonce="n"'
FULL = f'("@method" "@path" "@query" "content-digest"){PARAMETERS}'
FULL_SIGNATURE = {"Signature": f"a=:{ZEROS}:"}


def with_input(text: str, signature: str = f"a=:{ZEROS}:") -> Call:
    """A call with these two headers; no key made the signature."""
    return rewritten({"Signature-Input": text, "Signature": signature})


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        # Changed after signing.
        (a_message(sign=by_secret("wrong")), BAD_SIGNATURE),
        (a_message(sign=PRIVATE_KEY.sign), BAD_SIGNATURE),
        (a_message(sent={"method": "PUT"}), BAD_SIGNATURE),
        (a_message(sent={"target": f"{PATH}/x?a=1&b=%20"}), BAD_SIGNATURE),
        (a_message(sent={"target": f"{PATH}/?a=1&b=%20"}), BAD_SIGNATURE),
        (a_message(sent={"target": f"{PATH}?a=1&b=+"}), BAD_SIGNATURE),
        (a_message(sent={"target": PATH}), BAD_SIGNATURE),
        (a_message(sent={"body": b""}), OTHER_BODY),
        (a_message(sent={"body": A_BODY + b" "}), OTHER_BODY),
        (a_message(body=b"", sent={"body": b"x"}), OTHER_BODY),
        (a_message(method="GET", body=b"", sent={"body": b"x"}), OTHER_BODY),
        (a_message(method="DELETE", body=None, sent={"body": b"x"}), NOT_COVERED),
        (rewritten({"Content_Digest": OTHER_DIGEST}), BAD_SIGNATURE),
        (a_message(body=b"x" * (MAX_BODY + 1)), TOO_LARGE),
        # The time of signing.
        (a_message(created=LATEST + 1), STALE),
        (a_message(created=EARLIEST - 1), STALE),
        (a_message(created=-1), STALE),
        (a_message(created=999_999_999_999_999), STALE),
        (a_message(parameters=f";expires={NOW_SECONDS}"), STALE),
        (a_message(parameters=";expires=-1"), STALE),
        # The key and the algorithm.
        (a_message(parameters=';alg="ed25519"'), OTHER_ALGORITHM),
        (a_message(parameters=';alg="HMAC-SHA256"'), OTHER_ALGORITHM),
        # The covered components.
        *(
            (with_input(FULL.replace(name, "").join(("a=", ""))), NOT_COVERED)
            for name in ('"@method"', '"@path"', '"@query"', '"content-digest"')
        ),
        (a_message(method="POST", body=None), NOT_COVERED),
        (a_message(method="PATCH", body=None), NOT_COVERED),
        (a_message(method="PUT", body=None), NOT_COVERED),
        (another(a_message(method="DELETE", body=None), forward_auth=True), NOT_COVERED),
        (another(a_message(method="PURGE", body=None), forward_auth=True), NOT_COVERED),
        (with_input(f'a=("@query-param";name="a" "@path" "@method"){PARAMETERS}'), NOT_COVERED),
        (a_message(more=[('"@method"', "POST")]), NO_COMPONENT),
        (a_message(more=[('"x-absent"', "")]), NO_COMPONENT),
        (a_message(more=[('"@status"', "200")]), NO_COMPONENT),
        (a_message(more=[('"@unknown"', "")]), NO_COMPONENT),
        (a_message(more=[('"@signature-params"', "")]), NO_COMPONENT),
        (a_message(more=[('"User-Agent"', "browser")]), NO_COMPONENT),
        (a_message(more=[('"@authority"', "")], headers={"Host": ""}), NO_COMPONENT),
        (a_message(more=[('"@query-param";name="c"', "")]), NO_COMPONENT),
        (a_message(more=[('"@query-param"', "")]), NO_COMPONENT),
        (a_message(more=[('"@query-param";name=a', "1")]), NO_COMPONENT),
        (a_message(more=[('"@query-param";name="a";req', "1")]), NO_COMPONENT),
        (a_message(more=[('"a b"', "")]), NO_COMPONENT),
        *(
            (
                a_message(more=[('"x-a"', "1")], headers={"X-A": "1", "Connection": each}),
                NO_COMPONENT,
            )
            for each in ("X-A", "close, x-a ,x")
        ),
        (a_message(more=[('""', "")]), NO_COMPONENT),
        *(
            (a_message(more=[(f'"user-agent";{each}', "browser")]), NO_COMPONENT)
            for each in ("sf", "bs", 'key="a"', "req", "tr")
        ),
        *(
            (a_message(more=[(each, "")]), NO_COMPONENT)
            for each in ("user-agent", "1", "1.5", "?1", ":eA==:", "@1", '%"x"')
        ),
        (a_message(more=[('"x-odd"', "")], headers={"X-Odd": "\udcff"}), NO_COMPONENT),
        (a_message(more=[('"x-odd"', "")], headers={"X-Odd": "é"}), NO_COMPONENT),
        (a_message(more=[(f'"x{n}"', "") for n in range(61)]), NO_COMPONENT),
        # Malformed headers.
        *(
            (with_input(f"a={FULL}".replace(old, new)), UNREADABLE)
            for old, new in (
                (f";created={NOW_SECONDS}", ""),
                (f";created={NOW_SECONDS}", ";created=1.5"),
                (f";created={NOW_SECONDS}", ';created="1"'),
                (f";created={NOW_SECONDS}", ";created"),
                (f";created={NOW_SECONDS}", f";created=@{NOW_SECONDS}"),
                (f";created={NOW_SECONDS}", ";created=1;created=2"),
                (';keyid="kid-1"', ""),
                (';keyid="kid-1"', ";keyid=kid-1"),
                (';keyid="kid-1"', ';keyid="kid-1";keyid="kid-2"'),
                (';nonce="n"', ""),
                (';nonce="n"', ';nonce=""'),
                (';nonce="n"', f';nonce="{"n" * 129}"'),
                (';nonce="n"', ";nonce=:eA==:"),
                (';nonce="n"', ';nonce="n";expires="x"'),
                (';nonce="n"', ';nonce="n";alg=hmac-sha256'),
                (';nonce="n"', ';nonce="n";tag="another"'),
                (';nonce="n"', ';nonce="n";unknown=1'),
                ('("@method"', '"@method"'),
                ("a=", ""),
                ("a=", "A="),
                (PARAMETERS, ""),
            )
        ),
        (with_input(f"a={FULL}, a={FULL}"), UNREADABLE),
        (with_input(f"a={FULL}, b={FULL}"), UNREADABLE),
        (with_input(f'a={FULL};tag="barong", b={FULL};tag="barong"'), UNREADABLE),
        (with_input(f"a={FULL},"), UNREADABLE),
        (with_input(""), UNREADABLE),
        (with_input("é"), UNREADABLE),
        (with_input("\udcff"), UNREADABLE),
        (with_input("a=" + "(" * 4000), UNREADABLE),
        (with_input(f"a={FULL}" + ";x" * 2000), UNREADABLE),
        (with_input(f"a={FULL}", f"b=:{ZEROS}:"), UNREADABLE),
        (with_input(f"a={FULL}", f"a=:{ZEROS}:, a=:{ZEROS}:"), UNREADABLE),
        (with_input(f"a={FULL}", f'a="{ZEROS}"'), UNREADABLE),
        (with_input(f"a={FULL}", f"a=({ZEROS})"), UNREADABLE),
        (with_input(f"a={FULL}", "a=:=:"), UNREADABLE),
        (with_input(f"a={FULL}", ""), UNREADABLE),
        (with_input(f"a={FULL}", f"a=:{'AAAA' * 1100}:"), UNREADABLE),
        (with_input(f"a={FULL}", "a=::"), BAD_SIGNATURE),
        (a_call(FULL_SIGNATURE), UNREADABLE),
        (a_call({"Signature-Input": f"a={FULL}"}), UNREADABLE),
        # The digest.
        *(
            (rewritten({"Content_Digest": each}), BAD_DIGEST)
            for each in (
                *("", "x", "sha-256", "sha-256=x", "sha-256=:eA==:", "md5=:eA==:", "é"),
                *("sha-256=1", "sha-512=:eA==:", f"{OTHER_DIGEST}, {OTHER_DIGEST}", "a=1" * 400),
            )
        ),
        # Both schemes at once.
        (rewritten({"X_Auth_Apikey": "kid-1"}), WRONG_HEADERS),
        (rewritten(KEY), WRONG_HEADERS),
        (a_call(KEY | FULL_SIGNATURE), WRONG_HEADERS),
    ],
)
async def test_refuses_a_message_that_was_changed(call: Call, expected: tuple[int, str]) -> None:
    decide = a_decision()
    assert await refusal_of(decide, call) == expected
    assert await decide(a_message()) is not None, "it used up the nonce"


async def test_every_supported_digest_is_checked() -> None:
    both = f"{content_digest(A_BODY)}, {content_digest(A_BODY, 'sha-512')}, md5=:eA==:"
    wrong = f"{content_digest(A_BODY)}, {content_digest(b'x', 'sha-512')}"
    for digest, passes in ((both, True), (wrong, False)):
        call = a_message(
            body=None,
            headers={"Content-Digest": digest},
            more=[('"content-digest"', digest)],
            sent={"body": A_BODY},
        )
        if passes:
            assert await a_decision()(call) is not None
        else:
            assert await refusal_of(a_decision(), call) == OTHER_BODY


async def test_of_several_signatures_the_one_with_our_tag_counts() -> None:
    ours = message_signed(
        *("kid-1", SECRET, "GET", PATH), created=NOW_SECONDS, parameters=';tag="barong"'
    )
    other = message_signed("kid-2", SECRET, "GET", PATH, created=1, label="other")
    headers = CIMultiDict([*other.items(), *ours.items()])
    assert await a_decision()(a_call(headers)) is not None
    headers = CIMultiDict([*ours.items(), *other.items()])
    assert await a_decision()(a_call(headers)) is not None


async def test_a_nonce_of_a_message_works_once_whenever_it_was_signed() -> None:
    decide = a_decision()
    assert await decide(a_message()) is not None
    used = (401, "authz.nonce_used")
    assert await refusal_of(decide, a_message()) == used
    assert await refusal_of(decide, a_message(created=NOW_SECONDS - 1)) == used
    assert await refusal_of(decide, a_message(method="GET", body=None)) == used
    assert await decide(a_message(nonce="another")) is not None


@pytest.mark.parametrize("keys", [HMAC_KEY, ED25519_KEY])
async def test_a_key_for_messages_refuses_version_1(keys: ApiKeys) -> None:
    decide = a_decision(authenticate_api_key=api_key_authenticator(keys))
    for signature in (KEY, signed_with("kid-1", "", NOW)):
        assert await refusal_of(decide, a_call(signature)) == (
            *(401, "authz.message_signature_required"),
        )


async def test_a_public_key_is_not_used_as_a_secret() -> None:
    """An empty one is invalid, too: a secret that a key lacks must verify nothing."""
    decide = a_decision(authenticate_api_key=api_key_authenticator(ED25519_KEY))
    for sign in (by_secret(PUBLIC_KEY), by_secret("")):
        assert await refusal_of(decide, a_message(sign=sign)) == BAD_SIGNATURE
        call = a_message(sign=sign, parameters=';alg="hmac-sha256"')
        assert await refusal_of(decide, call) == OTHER_ALGORITHM
    decide = a_decision(authenticate_api_key=api_key_authenticator(ApiKeys(a_key(secret=None))))
    assert await refusal_of(decide, a_message(sign=by_secret(""))) == BAD_SIGNATURE


async def test_a_body_is_not_read_for_other_calls() -> None:
    async def unread(limit: int) -> bytes | None:
        raise AssertionError

    for call in (a_call(COOKIE), a_call(KEY), a_message(sign=by_secret("wrong"))):
        with contextlib.suppress(InvalidSignature):
            assert await a_decision()(another(call, body=unread)) is not None


TWICE = Rate(2, 1.0)
THROTTLED = (429, "request.throttled")
FORGED = {"Authorization": "Bearer forged"}


@pytest.mark.parametrize(
    ("calls", "third"),
    [
        # A user has one limit, for all addresses and credentials together.
        ([COOKIE, BEARER], a_call(BEARER, address="192.0.2.1", rate=TWICE)),
        ([COOKIE, COOKIE], a_call(KEY, address="192.0.2.1", rate=TWICE)),
        # An unauthenticated call counts towards the limit of its address.
        ([FORGED, {}], a_call({}, rate=TWICE)),
        ([FORGED, {}], a_call(COOKIE, rate=TWICE)),
        ([{}, KEY | {"X-Auth-Signature": "x"}], a_call(BEARER, rate=TWICE)),
    ],
)
async def test_a_rate_of_two_refuses_the_third_call(
    calls: list[dict[str, str]], third: Call
) -> None:
    decide = a_decision()
    for headers in calls:
        with contextlib.suppress(Unauthenticated):
            await decide(a_call(headers, rate=TWICE))
    assert await refusal_of(decide, third) == THROTTLED


async def test_public_calls_count_by_address() -> None:
    decide = a_decision()
    call = a_call(COOKIE, access=Access.PUBLIC, rate=TWICE)
    assert [await decide(call), await decide(call)] == [None, None]
    assert await refusal_of(decide, call) == THROTTLED
    assert (
        await decide(another(call, address=ip_address("192.0.2.1"), address_text="192.0.2.1"))
        is None
    )


async def test_anonymous_calls_do_not_use_up_a_users_rate() -> None:
    decide = a_decision()
    for _ in range(5):
        await refusal_of(decide, a_call({}, address="192.0.2.1", rate=TWICE))
    assert await decide(a_call(COOKIE, rate=TWICE)) is not None


async def test_above_the_limit_credentials_are_not_looked_up() -> None:
    sessions = Sessions(None)
    decide = a_decision(sessions=sessions)
    for _ in range(2):
        assert await refusal_of(decide, a_call({"Cookie": "_barong_session=x"}, rate=TWICE)) == (
            NO_SESSION
        )
    sessions.down = True
    assert await refusal_of(decide, a_call(COOKIE, rate=TWICE)) == THROTTLED


@pytest.mark.parametrize(
    "guess",
    [
        {},
        {"Cookie": "_barong_session=x"},
        FORGED,
        KEY | {"X-Auth-Apikey": "kid-2"},
        KEY | {"X-Auth-Signature": "x"},
    ],
)
async def test_failed_calls_count_together_on_routes_without_a_rate(guess: dict[str, str]) -> None:
    sessions = Sessions(a_session())
    decide = a_decision(sessions=sessions)
    for _ in range(50):
        for route in (a_call(guess).route, UNROUTED):
            assert (await refusal_of(decide, another(a_call(guess), route=route)))[0] == 401

    sessions.down = True  # no service is asked
    assert await refusal_of(decide, a_call(guess)) == THROTTLED
    assert await refusal_of(decide, another(a_call(COOKIE), route=UNROUTED)) == THROTTLED
    sessions.down = False
    assert await decide(a_call(BEARER, address="192.0.2.1")) is not None
    assert await decide(a_call(COOKIE, rate=TWICE)) is not None, "that route has a rate of its own"
    assert await decide(a_call(guess, access=Access.PUBLIC)) is None


async def test_concurrent_failed_calls_all_count() -> None:
    now, answered = 0.0, asyncio.Event()

    class Slow(Sessions):
        async def by_cookie(self, cookie: str) -> ResolvedSession | None:
            await answered.wait()
            return None

    limits = RateLimits(CollectorRegistry(), enabled=True, clock=lambda: now)
    decide = a_decision(sessions=Slow(None), rate_limits=limits)
    at_once = [asyncio.ensure_future(refusal_of(decide, a_call(COOKIE))) for _ in range(150)]
    await asyncio.sleep(0)
    answered.set()
    assert set(await asyncio.gather(*at_once)) == {NO_SESSION}
    now = 1.0  # fifty later
    assert await refusal_of(decide, a_call(COOKIE)) == THROTTLED
    now = 1.02
    assert await refusal_of(decide, a_call(COOKIE)) == NO_SESSION


async def test_an_authenticated_caller_has_no_limit_without_a_rate() -> None:
    decide, call = a_decision(), a_call(COOKIE)
    assert ANONYMOUS.burst == 100
    for _ in range(ANONYMOUS.burst + 1):
        assert await decide(call) is not None
        assert await decide(another(call, route=UNROUTED)) is not None
    assert await refusal_of(decide, a_call(COOKIE | CSRF, method="DELETE")) == NO_PERMISSION
    assert await refusal_of(decide, a_call({})) == NO_SESSION, "none of them counted"


async def test_restricted_calls_do_not_count() -> None:
    decide = a_decision(
        policy=PolicyInForce(restrictions=(Restriction("blacklist", "ip", "10.1.2.3", 471),))
    )
    for _ in range(4):
        assert (await refusal_of(decide, a_call({}, rate=TWICE)))[0] == 471
        blocked = a_call({}, access=Access.BLOCKED, address="192.0.2.1", rate=TWICE)
        assert await refusal_of(decide, blocked) == (401, "authz.permission_denied")


@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
async def test_recorded_calls_have_a_rate_on_every_route(method: str) -> None:
    """Denied or audited calls: above the limit, a call is neither made nor recorded."""
    audits = Audits()
    decide = a_decision(audits=audits, rate_limits=rate_limits())
    call = a_call(COOKIE | CSRF, method=method)
    allowed = AUDITED_RATE.calls
    for _ in range(allowed):
        with contextlib.suppress(Unauthenticated):
            await decide(call)
    assert len(audits.kept) == allowed
    assert await refusal_of(decide, call) == THROTTLED
    assert len(audits.kept) == allowed
    assert await decide(a_call(COOKIE)) is not None, "what is not recorded has no rate there"


async def test_denied_calls_have_a_rate_on_routes_that_have_one_of_their_own() -> None:
    """Each further route would otherwise let one user write its rate of rows."""
    audits, often = Audits(), Rate(1000, 1 / 1000)
    decide = a_decision(audits=audits, rate_limits=rate_limits())
    routes = [a_call(COOKIE, prefix=prefix, rate=often).route for prefix in ("/a", "/b", "/c")]
    call = a_call(COOKIE | CSRF, method="DELETE")
    for number in range(AUDITED_RATE.calls):
        assert await refusal_of(decide, another(call, route=routes[number % 3])) == NO_PERMISSION
    for route in routes:
        assert await refusal_of(decide, another(call, route=route)) == THROTTLED
    assert len(audits.kept) == AUDITED_RATE.calls

    for _ in range(AUDITED_RATE.calls):  # what is allowed there has the rate of the route only
        assert await decide(a_call(COOKIE | CSRF, method="PATCH", rate=often)) is not None


async def test_blocked_calls_have_a_rate() -> None:
    decide = a_decision(rate_limits=rate_limits())
    call = a_call({}, access=Access.BLOCKED, address="192.0.2.1")
    for _ in range(DEFAULT_BURST):
        assert await refusal_of(decide, call) == (401, "authz.permission_denied")
    assert await refusal_of(decide, call) == THROTTLED
    other = a_call({}, access=Access.BLOCKED, address="192.0.2.2")
    assert await refusal_of(decide, other) == (401, "authz.permission_denied")


async def test_without_throttling_there_is_no_limit() -> None:
    decide = a_decision(rate_limits=rate_limits(enabled=False))
    for _ in range(5):
        assert await decide(a_call(COOKIE, rate=TWICE)) is not None
    for _ in range(101):
        assert await refusal_of(decide, a_call({})) == NO_SESSION


@pytest.mark.parametrize(
    ("method", "topic"), [("PUT", None), ("PATCH", "users")], ids=["without a topic", "with two"]
)
async def test_audited_calls_are_recorded_before_they_are_allowed(
    method: str, topic: str | None
) -> None:
    audits = Audits()
    caller = await a_decision(audits=audits)(a_call(COOKIE | CSRF, method=method))

    assert caller is not None
    assert audits.kept == [("passed", method, "ID1", topic)]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_other_calls_are_not_recorded(method: str) -> None:
    audits = Audits(down=True)

    assert await a_decision(audits=audits)(a_call(COOKIE | CSRF, method=method))
    assert await a_decision(audits=audits)(a_call({}, access=Access.PUBLIC)) is None
    assert audits.kept == []


async def test_audited_calls_are_refused_when_they_cannot_be_recorded() -> None:
    with pytest.raises(Unavailable):
        await a_decision(audits=Audits(down=True))(a_call(COOKIE | CSRF, method="PUT"))


@pytest.mark.parametrize(
    ("method", "path", "topic"),
    [("DELETE", PATH, "deeds"), ("GET", "/api/v2/barong/admin/users", None)],
    ids=["a DROP", "no ACCEPT"],
)
async def test_denied_calls_are_recorded(method: str, path: str, topic: str | None) -> None:
    audits = Audits()
    with pytest.raises(Refusal) as refused:
        await a_decision(audits=audits)(a_call(COOKIE | CSRF, method=method, path=path))

    assert refused.value.codes == ("authz.invalid_permission",)
    assert audits.kept == [("denied", method, "ID1", topic)]


async def test_a_call_outside_the_keys_scope_is_recorded_as_denied() -> None:
    audits = Audits()
    headers = signed_with("kid-1", "a secret", NOW)
    calls = api_key_authenticator(ApiKeys(a_key(scope=("trade",))))
    with pytest.raises(Refusal) as refused:
        await a_decision(audits=audits, authenticate_api_key=calls)(a_call(headers))

    assert refused.value.codes == ("authz.invalid_permission",)
    assert audits.kept == [("denied", "GET", "ID1", None)]


async def test_unauthenticated_calls_are_not_recorded() -> None:
    audits = Audits()
    for headers in ({}, COOKIE):
        with pytest.raises(Refusal):
            await a_decision(audits=audits, sessions=Sessions(None))(a_call(headers))

    assert audits.kept == []
