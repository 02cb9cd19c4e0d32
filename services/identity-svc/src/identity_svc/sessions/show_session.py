"""Shows a caller the session by which they call."""

import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from identity_svc.sessions import store
from identity_svc.sessions.errors import NoSession
from shared.contracts.sessions import csrf_digest, csrf_token_of, session_key
from shared.database.pool import Database
from shared.web.answers import seconds


@dataclass(frozen=True, slots=True)
class ShowSession:
    """Tells a second tab, which did not see the log-in, what it needs to go on."""

    database: Database

    async def __call__(self, sid: str | None, cookies: Sequence[str]) -> dict[str, Any]:
        """The session `sid` as the public API shows it, with its CSRF token.

        The token is told to whoever brings the session's cookie, for others it is None; so it is
        where the session was opened before tokens could be derived. Raises `NoSession`.
        """
        if sid is None:
            raise NoSession
        async with self.database.connection() as connection:
            found = await store.current_session(connection, uuid.UUID(sid))
        if found is None:
            raise NoSession
        session, key, digest = found
        return {
            "id": session.sid,
            "user_ip": session.address,
            "user_agent": session.user_agent,
            "current": True,
            "created_at": seconds(session.created_at),
            "expires_at": seconds(session.expires_at),
            "csrf_token": _csrf_token(cookies, key, digest),
        }


def _csrf_token(cookies: Sequence[str], key: str, digest: str) -> str | None:
    for cookie in cookies:
        if hmac.compare_digest(session_key(cookie), key):
            token = csrf_token_of(cookie)
            return token if hmac.compare_digest(csrf_digest(token), digest) else None
    return None
