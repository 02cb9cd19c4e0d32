"""Opens a session for a user who has proven who he is."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from identity_svc.sessions import store
from identity_svc.sessions.revoke import session_revoked
from identity_svc.sessions.store import Lifetime
from identity_svc.signing_keys.key_chain import KeyChain
from shared.contracts.activities import Client
from shared.contracts.sessions import csrf_digest, session_key
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.messaging.outbox import Outbox
from shared.tokens.bearer import AUDIENCE, SUBJECT

AUDIENCES = ["peatio", AUDIENCE]


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
        cookie, csrf_token = secrets.token_urlsafe(32), secrets.token_hex(16)
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
        bearer, _ = bearer_token(self.keys, user, sid, self.bearer_seconds)
        return OpenedSession(user, cookie, csrf_token, bearer)


def bearer_token(keys: KeyChain, user: User, sid: str | None, seconds: int) -> tuple[str, datetime]:
    """A bearer token of this user that lives for `seconds`, and the moment in which it ends.

    `sid` is of the session that it dies with, None where there is none.
    """
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
    return keys.token(claims, now, ends), ends
