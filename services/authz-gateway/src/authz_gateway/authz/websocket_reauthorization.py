"""Whether a WebSocket that was let in may stay: it outlives the decision that let it in."""

from dataclasses import dataclass

from authz_gateway.authn.api_keys import ApiKeys, require_active, require_usable_owner, within_scope
from authz_gateway.authn.sessions import require_usable
from authz_gateway.authz.call import Call, Caller
from authz_gateway.authz.pipeline import WAY_IN, PolicyInForce, Sessions
from authz_gateway.authz.restrictions import require_unrestricted
from authz_gateway.routing.route_table import Route
from shared.errors import Refusal, Unavailable
from shared.policy.places import Places
from shared.values.addresses import Address
from shared.values.principal import Principal


@dataclass(frozen=True, slots=True)
class WebSocketOpener:
    """Who opened a WebSocket, from where, by which API key if by one, and with which call.

    `caller` is None for a stranger, whom a public route let in; `route` is the one that let
    the call through.
    """

    caller: Principal | None
    kid: str | None
    address: Address
    method: str
    path: str
    route: Route


@dataclass(frozen=True, slots=True)
class ReauthorizeWebSocket:
    """Checks again what let the opener in, but not what the call used up."""

    sessions: Sessions
    api_keys: ApiKeys
    policy: PolicyInForce
    places: Places

    async def __call__(self, guest: WebSocketOpener) -> bool:
        """Whether the opener would be let in now; they stay while nobody can be asked.

        What needs no asking comes first: it counts though nobody can be asked.
        """
        try:
            if guest.path != WAY_IN:
                restrictions = self.policy.get().restrictions
                require_unrestricted(restrictions, guest.address, self.places)
            if guest.caller is None:
                return True
            role = await self._role(guest, guest.caller)
            return (
                role is not None
                and self.policy.get().verdict(role, guest.method, guest.path, guest.route).allowed
            )
        except Unavailable:
            return True
        except Refusal:
            return False

    async def _role(self, guest: WebSocketOpener, caller: Principal) -> str | None:
        if guest.kid is not None:
            key = await self.api_keys.by_kid(guest.kid)
            if key is None or not within_scope(key, guest.route.scope):
                return None
            require_active(key)
            owner = await self.api_keys.owner(caller.uid)
            if owner is None:
                return None
            require_usable_owner(owner.user)
            return owner.user.role
        session = await self.sessions.by_sid(caller.sid or "")
        if session is None:
            return None
        require_usable(session.user.state)
        return session.user.role


def opener_of(caller: Caller | None, call: Call) -> WebSocketOpener:
    """Who made this call, and with which API key, if with one."""
    principal, kid = (None, None) if caller is None else (caller.principal, caller.kid)
    return WebSocketOpener(principal, kid, call.address, call.method, call.path, call.route)
