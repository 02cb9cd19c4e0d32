"""What a session asks of a call made with its cookie."""

import hmac
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network

from multidict import MultiMapping

from authz_gateway.sessions.errors import CsrfTokenMismatch, MissingCsrfToken, UserNotActive
from shared.contracts.sessions import ResolvedSession, csrf_digest
from shared.web.client_address import Address

CSRF_EXEMPT = frozenset({"GET", "HEAD", "OPTIONS"})
"""Every other method needs a CSRF token: who knows what an upstream's own verb does."""
USABLE_STATES = frozenset({"active", "pending"})


def presented_csrf_token(headers: MultiMapping[str]) -> str:
    """The CSRF token that the client sends; raises `MissingCsrfToken`."""
    token = headers.get("X-CSRF-Token", "")
    if not token:
        raise MissingCsrfToken
    return token


def require_csrf_token(token: str, session: ResolvedSession | None) -> None:
    """Raises `CsrfTokenMismatch` unless the token is the session's."""
    kept = session.csrf_digest if session is not None else ""
    if not hmac.compare_digest(csrf_digest(token), kept):
        raise CsrfTokenMismatch


def require_usable(state: str) -> None:
    """Raises `UserNotActive` unless a user in this state may call anything."""
    if state not in USABLE_STATES:
        raise UserNotActive


@dataclass(frozen=True, slots=True)
class Binding:
    """What ties a session to the client that opened it."""

    user_agent: bool
    network: bool

    def broken(self, session: ResolvedSession, user_agent: str, address: Address) -> bool:
        """Whether this client is another one."""
        return (self.user_agent and user_agent != session.user_agent) or (
            self.network and address not in _network(session.network)
        )


_network = lru_cache(maxsize=10_000)(ip_network)
