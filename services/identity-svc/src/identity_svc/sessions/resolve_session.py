"""Tells the gateway whose a session is, and prolongs it."""

import uuid
from dataclasses import dataclass

from identity_svc.sessions import store
from identity_svc.sessions.errors import UnknownSession
from identity_svc.sessions.open_session import bearer_token
from identity_svc.sessions.store import Lifetime
from identity_svc.signing_keys.key_chain import KeyChain
from shared.contracts.sessions import ResolvedSession
from shared.database.pool import Database

TOKEN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ResolveSession:
    """A session by its key (the cookie's digest) or by the sid of a bearer token."""

    database: Database
    keys: KeyChain
    lifetime: Lifetime

    async def __call__(self, *, key: str | None, sid: uuid.UUID | None) -> ResolvedSession:
        """Raises `UnknownSession`."""
        async with self.database.connection() as connection:
            session = await store.use_session(connection, self.lifetime.seconds, key=key, sid=sid)
        if session is None:
            raise UnknownSession
        token, token_ends = bearer_token(self.keys, session.user, session.sid, TOKEN_SECONDS)
        return ResolvedSession(
            sid=session.sid,
            user=session.user,
            csrf_digest=session.csrf_digest,
            user_agent=session.user_agent,
            network=session.network,
            expires_at=session.expires_at,
            token=token,
            token_expires_at=token_ends,
        )
