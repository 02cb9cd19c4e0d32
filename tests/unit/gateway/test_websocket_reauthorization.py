"""Whether an open WebSocket may stay open."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from authz_gateway.authn.call import Caller
from authz_gateway.authz.pipeline import WHITELINK_PATH
from authz_gateway.authz.policy import CompiledPolicy
from authz_gateway.authz.websocket_reauthorization import ReauthorizeWebSocket, opener_of
from shared.contracts.api_keys import SigningKey
from shared.contracts.policy import Permission, Policy, Restriction
from shared.contracts.sessions import ResolvedSession, UserToken
from shared.errors import Unavailable
from shared.policy.places import Unmapped
from shared.values.addresses import Address
from tests.unit.gateway.builders import a_call, a_key, a_session, a_user, an_owner


@dataclass
class World:
    """A valid session, a key and its owner; members may call from everywhere."""

    session: ResolvedSession | None = None
    key: SigningKey | None = None
    down: bool = False
    action: str = "ACCEPT"
    restriction: Restriction | None = None
    grant_lives: bool = True

    async def by_cookie(self, _cookie: str) -> ResolvedSession | None:
        raise AssertionError("Nobody shows a cookie again.")

    async def by_sid(self, _sid: str) -> ResolvedSession | None:
        if self.down:
            raise Unavailable("identity-svc")
        return self.session

    async def add_network(self, _session: ResolvedSession, _address: Address) -> None:
        raise AssertionError("Nothing is bound.")

    async def revoke(self, _sid: str) -> None:
        raise AssertionError("Nothing is revoked.")

    async def by_kid(self, _kid: str) -> SigningKey | None:
        return self.key

    async def lives(self, _grant_id: str) -> bool:
        if self.down:
            raise Unavailable("oauth-svc")
        return self.grant_lives

    async def owner(self, _uid: str) -> UserToken | None:
        if self.down:
            raise Unavailable("identity-svc")
        return an_owner()

    def get(self) -> CompiledPolicy:
        permissions = (Permission("member", "GET", "feed", self.action, None),)
        restrictions = (self.restriction,) if self.restriction else ()
        return CompiledPolicy(Policy(1, permissions, restrictions))

    async def lets_stay(self, caller: Caller | None, path: str = "/feed") -> bool:
        reauthorize = ReauthorizeWebSocket(self, self, self, self, Unmapped())
        return await reauthorize(opener_of(caller, a_call(path=path, **FEED)))


FEED: Any = {"prefix": "/feed", "scope": "feed", "websocket": True}
BY_SESSION = Caller.of(a_session())
BY_GRANT = Caller.of_grant(an_owner(), "grant", in_scope=True)
BY_KEY = Caller.of_key(an_owner(), "kid", in_scope=True)


def restricted(category: str) -> Restriction:
    return Restriction(category, "ip", "10.1.2.3", 423)


@pytest.mark.parametrize(
    ("changed", "stays"),
    [
        ({}, True),
        ({"session": None}, False),
        ({"session": a_session(user=a_user(state="banned"))}, False),
        ({"session": a_session(user=a_user(role="trader"))}, False),
        ({"session": None, "down": True}, True),
        ({"restriction": restricted("blacklist"), "down": True}, False),
        ({"action": "DROP"}, False),
        ({"restriction": restricted("blacklist")}, False),
        ({"restriction": restricted("maintenance")}, False),
        ({"restriction": restricted("whitelist")}, True),
    ],
)
async def test_by_a_session(changed: dict[str, object], stays: bool) -> None:
    world = replace(World(session=a_session()), **changed)  # type: ignore[arg-type]
    assert await world.lets_stay(BY_SESSION) is stays


@pytest.mark.parametrize(
    ("changed", "stays"),
    [
        ({}, True),
        ({"key": None}, False),
        ({"key": a_key(state="disabled")}, False),
        ({"key": a_key(scope=("trade", "feed"))}, True),
        ({"key": a_key(scope=("trade",))}, False),
        ({"down": True}, True),
        ({"key": a_key(state="disabled"), "down": True}, False),
        ({"key": a_key(scope=("trade",)), "down": True}, False),
        ({"restriction": restricted("blacklist"), "down": True}, False),
        ({"restriction": restricted("blacklist")}, False),
    ],
)
async def test_by_an_api_key(changed: dict[str, object], stays: bool) -> None:
    world = replace(World(key=a_key()), **changed)  # type: ignore[arg-type]
    assert await world.lets_stay(BY_KEY) is stays


@pytest.mark.parametrize(
    ("changed", "stays"),
    [
        ({}, True),
        ({"action": "DROP", "down": True}, True),
        ({"restriction": restricted("blacklist")}, False),
        ({"restriction": restricted("maintenance")}, False),
        ({"restriction": restricted("whitelist")}, True),
    ],
)
async def test_anonymous(changed: dict[str, object], stays: bool) -> None:
    world = replace(World(), **changed)  # type: ignore[arg-type]
    assert await world.lets_stay(None) is stays


async def test_the_whitelink_path_is_not_restricted() -> None:
    world = World(restriction=restricted("blacklist"))
    assert await world.lets_stay(None, WHITELINK_PATH)
    assert not await world.lets_stay(None, f"{WHITELINK_PATH}/x")


@pytest.mark.parametrize(
    ("changed", "stays"),
    [
        ({}, True),
        ({"grant_lives": False}, False),
        ({"action": "DROP"}, False),
        ({"down": True}, True),
    ],
)
async def test_a_websocket_of_an_oauth_client_ends_with_its_grant(
    changed: dict[str, Any], stays: bool
) -> None:
    assert await replace(World(), **changed).lets_stay(BY_GRANT) is stays
