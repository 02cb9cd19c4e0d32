"""Opens a session for a user who has proven who he is."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from identity_svc.sessions import store
from identity_svc.sessions.revoke import session_revoked
from identity_svc.sessions.store import Lifetime
from identity_svc.signing_keys.key_chain import KeyChain
from shared.contracts.activities import Client
from shared.contracts.sessions import csrf_digest, csrf_token_of, session_key
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.messaging.outbox import Outbox
from shared.tokens.bearer import ACCESS_TOKEN, AUDIENCE, SUBJECT, UPSTREAM_TOKEN

AUDIENCES = ["peatio", AUDIENCE]

UPSTREAM_SECONDS = 60
"""Life of a token for upstreams: the gateway asks for the next one long before."""


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """What the client is handed, this once."""

    user: User
    cookie: str = field(repr=False)
    csrf_token: str = field(repr=False)
    bearer: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A new session has a new id, whatever the client brought.

    Of a user who has `limit` of them, the oldest ends.
    """

    outbox: Outbox
    keys: KeyChain
    lifetime: Lifetime
    limit: int
    bearer_seconds: int

    async def __call__(self, connection: Connection, user: User, client: Client) -> OpenedSession:
        """The session, as part of a transaction under way that has locked the user."""
        cookie = secrets.token_urlsafe(32)
        csrf_token = csrf_token_of(cookie)
        sid = await store.insert_session(
            connection,
            user.uid,
            session_key(cookie),
            csrf_digest(csrf_token),
            client,
            self.lifetime,
        )
        ended = await store.delete_oldest_sessions(connection, user.uid, self.limit, sid)
        if ended:
            await self.outbox.add(connection, *(session_revoked(user, each) for each in ended))
        bearer, _ = _user_token(self.keys, user, sid, self.bearer_seconds, ACCESS_TOKEN)
        return OpenedSession(user, cookie, csrf_token, bearer)


def upstream_token(keys: KeyChain, user: User, sid: str | None) -> tuple[str, datetime]:
    """The token that shows upstreams who is calling, and the moment in which it ends.

    `sid` is that of the session behind the call, None where there is none. The gateway takes this
    token from no client.
    """
    return _user_token(keys, user, sid, UPSTREAM_SECONDS, UPSTREAM_TOKEN)


def _user_token(
    keys: KeyChain, user: User, sid: str | None, seconds: int, token_type: str
) -> tuple[str, datetime]:
    now = datetime.now(UTC)
    ends = now + timedelta(seconds=seconds)
    claims = {
        "aud": AUDIENCES,
        "sub": SUBJECT,
        "uid": user.uid,
        "email": user.email,
        "role": user.role,
        "level": user.level,
        "state": user.state,
        "referral_uid": user.referral_uid,
    }
    if sid is not None:
        claims["sid"] = sid
    return keys.token(claims, now, ends, token_type), ends
