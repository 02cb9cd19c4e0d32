"""Tells the gateway whose a session is, and prolongs it."""

import uuid
from dataclasses import dataclass

from identity_svc.sessions import store
from identity_svc.sessions.errors import UnknownSession
from identity_svc.sessions.open_session import upstream_token
from identity_svc.sessions.store import Lifetime
from identity_svc.signing_keys.key_chain import KeyChain
from shared.contracts.sessions import ResolvedSession
from shared.database.pool import Database
from shared.web.client_address import Address


@dataclass(frozen=True, slots=True)
class ResolveSession:
    """A session by its key (the cookie's digest) or by the sid of a bearer token."""

    database: Database
    keys: KeyChain
    lifetime: Lifetime

    async def __call__(
        self, *, key: str | None, sid: uuid.UUID | None, address: Address | None = None
    ) -> ResolvedSession:
        """The session, which is bound to the network of `address`, too, if to none of its family.

        Raises `UnknownSession`.
        """
        async with self.database.connection() as connection:
            if sid is not None and address is not None:
                await store.take_in_network(connection, sid, address)
            session = await store.use_session(connection, self.lifetime, key=key, sid=sid)
        if session is None:
            raise UnknownSession
        token, token_ends = upstream_token(self.keys, session.user, session.sid)
        return ResolvedSession(
            sid=session.sid,
            user=session.user,
            csrf_digest=session.csrf_digest,
            user_agent=session.user_agent,
            network=session.network,
            other_network=session.other_network,
            expires_at=session.expires_at,
            token=token,
            token_expires_at=token_ends,
        )
