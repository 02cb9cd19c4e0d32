"""Re-authorizes open WebSockets, which outlive the decision that allowed them."""

from dataclasses import dataclass
from typing import Protocol

from authz_gateway.authn.api_keys import ApiKeys, require_active, require_usable_owner, within_scope
from authz_gateway.authn.call import Call, Caller
from authz_gateway.authn.sessions import require_usable
from authz_gateway.authz.pipeline import PolicyInForce, Sessions, is_unrestricted
from authz_gateway.authz.restrictions import require_unrestricted
from authz_gateway.routing.route_table import Route
from shared.errors import Refusal, Unavailable
from shared.policy.places import Places
from shared.values.addresses import Address
from shared.values.principal import Principal


class Grants(Protocol):
    """Grants of OAuth clients."""

    async def lives(self, grant_id: str) -> bool:
        """Whether a grant is in force; raises `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class WebSocketOpener:
    """Who opened a WebSocket, and with which call.

    `caller`: None for an anonymous client on a public route. `kid`: the id of the API key, None
    without one. `grant`: that of an OAuth access token, None without one.
    """

    caller: Principal | None
    kid: str | None
    address: Address
    method: str
    path: str
    route: Route
    grant: str | None = None


@dataclass(frozen=True, slots=True)
class ReauthorizeWebSocket:
    """Repeats the checks of the pipeline, except for what a call uses up: nonces and rates."""

    sessions: Sessions
    api_keys: ApiKeys
    grants: Grants
    policy: PolicyInForce
    places: Places

    async def __call__(self, opener: WebSocketOpener) -> bool:
        """Whether the WebSocket may stay open; yes while a service that must be asked is down.

        Checks that need no other service come first, so that they work in any case.
        """
        try:
            if not is_unrestricted(opener.path, opener.route):
                restrictions = self.policy.get().restrictions
                require_unrestricted(restrictions, opener.address, self.places)
            if opener.caller is None:
                return True
            role = await self._role(opener, opener.caller)
            return (
                role is not None
                and self.policy.get()
                .verdict(role, opener.method, opener.path, opener.route)
                .allowed
            )
        except Unavailable:
            return True
        except Refusal:
            return False

    async def _role(self, opener: WebSocketOpener, caller: Principal) -> str | None:
        if opener.kid is not None:
            key = await self.api_keys.by_kid(opener.kid)
            if key is None or not within_scope(key, opener.route.scope):
                return None
            require_active(key)
            owner = await self.api_keys.owner(caller.uid)
            if owner is None:
                return None
            require_usable_owner(owner.user)
            return owner.user.role
        if opener.grant is not None:
            owner = await self.api_keys.owner(caller.uid)
            if owner is None or not await self.grants.lives(opener.grant):
                return None
            require_usable(owner.user.state)
            return owner.user.role
        session = await self.sessions.by_sid(caller.sid or "")
        if session is None:
            return None
        require_usable(session.user.state)
        return session.user.role


def opener_of(caller: Caller | None, call: Call) -> WebSocketOpener:
    """The opener of a WebSocket, by its call."""
    address, method, path, route = call.address, call.method, call.path, call.route
    if caller is None:
        return WebSocketOpener(None, None, address, method, path, route)
    return WebSocketOpener(caller.principal, caller.kid, address, method, path, route, caller.grant)
