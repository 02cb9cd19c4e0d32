"""Finds the session of a browser, and ends it."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network

from oauth_svc.core import Core
from oauth_svc.protocol.authorization import Login
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client
from shared.contracts.sessions import (
    ResolvedSession,
    csrf_digest,
    csrf_token_of,
    session_key,
    without_versions,
)
from shared.contracts.users import MAY_ACT, User
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A living session whose cookie this browser sent."""

    login: Login
    user: User
    csrf_token: str
    """For the forms of our own pages; other pages get it at the log-in."""
    csrf_digest: str

    def has_token(self, token: str) -> bool:
        """Whether this is the session's CSRF token; compares in constant time."""
        return hmac.compare_digest(csrf_digest(token), self.csrf_digest)


@dataclass(frozen=True, slots=True)
class SingleSignOn:
    """The session cookie counts for the client that the session is bound to, as at the gateway."""

    identity: IdentityClient
    bind_user_agent: bool
    bind_network: bool
    cookie_name: str
    secure_cookies: bool

    async def find(self, cookies: Sequence[str], client: Client) -> BrowserSession | None:
        """The first living session of these cookies; None without one.

        A session that is bound to another browser or network does not count. The gateway revokes
        it at the next call that needs it. Raises `Unavailable`.
        """
        for cookie in cookies:
            try:
                session = await self.identity.resolve_session(session_key(cookie))
            except NotFound:
                continue
            if session.user.state in MAY_ACT and not self._is_foreign(session, client):
                return BrowserSession(
                    login=_login(session),
                    user=session.user,
                    csrf_token=csrf_token_of(cookie),
                    csrf_digest=session.csrf_digest,
                )
        return None

    async def end(self, session: BrowserSession) -> None:
        """Logs the browser out; raises `Unavailable`."""
        await self.identity.revoke_session(session.login.sid)

    def _is_foreign(self, session: ResolvedSession, client: Client) -> bool:
        if self.bind_user_agent and without_versions(client.user_agent) != without_versions(
            session.user_agent
        ):
            return True
        networks = [ip_network(each) for each in (session.network, session.other_network) if each]
        return self.bind_network and not any(client.ip in network for network in networks)


def _login(session: ResolvedSession) -> Login:
    """The last authentication; without one, it is too old for whoever asks for a fresh one."""
    uid, last = session.user.uid, session.authentication
    if last is None:
        return Login(uid=uid, sid=session.sid, at=datetime.fromtimestamp(0, UTC))
    return Login(uid=uid, sid=session.sid, at=last.at, acr=last.acr, amr=last.amr)


def build(core: Core) -> SingleSignOn:
    """Wires the feature."""
    settings = core.settings
    return SingleSignOn(
        core.identity,
        bind_user_agent=settings.bind_user_agent,
        bind_network=settings.bind_network,
        cookie_name=settings.session_name,
        secure_cookies=settings.production,
    )
