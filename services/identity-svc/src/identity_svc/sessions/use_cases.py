"""Opens, resolves, lists and ends sessions, and makes the tokens of users."""

import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from identity_svc.activities.models import LOG_OUT
from identity_svc.activities.use_cases import Activities
from identity_svc.core import Core
from identity_svc.sessions import store
from identity_svc.sessions.cookie import SessionCookie
from identity_svc.sessions.events import session_revoked
from identity_svc.sessions.models import (
    CurrentSession,
    Lifetime,
    ListedSession,
    NoSession,
    OpenedSession,
    UnknownSession,
)
from identity_svc.signing_keys.key_chain import KeyChain
from identity_svc.signing_keys.models import AUDIENCES
from identity_svc.users.use_cases import Users
from shared.contracts.activities import Client
from shared.contracts.authentication import (
    MAIL,
    OTP,
    PASSWORD,
    PROVIDER,
    Authentication,
    StepUpRequired,
    level_of,
    methods,
)
from shared.contracts.changes import changes_of_user, note
from shared.contracts.sessions import (
    ResolvedSession,
    UserToken,
    csrf_digest,
    csrf_token_of,
    session_key,
)
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.errors import SessionEnded
from shared.messaging.outbox import Outbox
from shared.tokens.bearer import ACCESS_TOKEN, SUBJECT, UPSTREAM_TOKEN
from shared.values.addresses import Address
from shared.web.pagination import PageForm

UPSTREAM_SECONDS = 60
"""Life of a token for upstreams: the gateway asks for the next one long before."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Every session that ends early is an event, on which gateways forget it.

    A user has at most `limit` sessions. `bearer_seconds` is the life of the bearer token of a new
    session, for clients that keep no cookies. `step_up_seconds` is how long an authentication is
    recent enough to change credentials.
    """

    database: Database
    outbox: Outbox
    users: Users
    activities: Activities
    keys: KeyChain
    cookie: SessionCookie
    lifetime: Lifetime
    limit: int
    bearer_seconds: int
    step_up_seconds: int

    async def open(
        self, connection: Connection, user: User, client: Client, *used: str
    ) -> OpenedSession:
        """A new session of a locked user, as a step of a transaction.

        `used` are the methods by which the user was authenticated just now. Its id is new, whatever
        the client sent. If the user had `limit` sessions, the oldest one ends.
        """
        cookie = secrets.token_urlsafe(32)
        csrf_token = csrf_token_of(cookie)
        amr = methods(*used)
        sid, authentication = await store.insert_session(
            connection,
            user.uid,
            session_key(cookie),
            csrf_digest(csrf_token),
            client,
            amr,
            level_of(amr),
            self.lifetime,
        )
        ended = await store.delete_oldest_sessions(connection, user.uid, self.limit, sid)
        if ended:
            await self.outbox.add(connection, *(session_revoked(user, each) for each in ended))
        origin = await store.note_origin(connection, user.uid, client)
        bearer, _ = self._token(user, sid, authentication, self.bearer_seconds, ACCESS_TOKEN)
        return OpenedSession(user, cookie, csrf_token, bearer, origin)

    async def resolve(
        self, *, key: str | None, sid: uuid.UUID | None, address: Address | None = None
    ) -> ResolvedSession:
        """The session with this key (the cookie's digest) or this sid.

        Prolongs it, if more than `Lifetime.step` of its life is used up. Also binds it to the
        network of `address`, if it has none of that address family yet. Raises `UnknownSession`.
        """
        async with self.database.connection() as connection:
            if sid is not None and address is not None:
                await store.take_in_network(connection, sid, address)
            session = await store.use_session(connection, self.lifetime, key=key, sid=sid)
        if session is None:
            raise UnknownSession
        token, token_ends = self._upstream_token(session.user, session.sid, session.authentication)
        return ResolvedSession(
            sid=session.sid,
            user=session.user,
            csrf_digest=session.csrf_digest,
            user_agent=session.user_agent,
            network=session.network,
            other_network=session.other_network,
            expires_at=session.expires_at,
            token=token,
            authentication=session.authentication,
            token_expires_at=token_ends,
        )

    async def issue_token(self, uid: str) -> UserToken:
        """A user for whom an API key stands, with a token for upstreams that names no session.

        The user's state does not matter: the gateway decides whether they may call. Raises
        `UserNotFound`.
        """
        user = await self.users.get(uid)
        token, ends = self._upstream_token(user, None, None)
        return UserToken(user=user, token=token, expires_at=ends)

    async def list(self, uid: str, page: PageForm) -> tuple[Sequence[ListedSession], int]:
        """A page of a user's living sessions, the newest first, and how many there are."""
        async with self.database.connection() as connection:
            sessions = await store.sessions_of(connection, uid, *page.window)
            return sessions, await store.number_of_sessions(connection, uid)

    async def get_current(self, sid: str | None, cookies: Sequence[str]) -> CurrentSession:
        """The caller's session, with its CSRF token for a caller who has its cookie.

        A second tab, which did not see the log-in, needs the token to go on. Raises `NoSession`.
        """
        if sid is None:
            raise NoSession
        async with self.database.connection() as connection:
            found = await store.current_session(connection, uuid.UUID(sid))
        if found is None:
            raise NoSession
        session, authentication, key, digest = found
        return CurrentSession(session, _csrf_token(cookies, key, digest), authentication)

    async def log_out(self, cookies: Sequence[str], client: Client) -> None:
        """Ends the sessions of a browser's cookies.

        Of several cookies all sessions end: any that went on would leave the browser logged in.
        Raises `NoSession` when none of the cookies belongs to a living session.
        """
        if not cookies:
            raise NoSession
        async with self.database.transaction() as connection:
            ended = [
                session
                for key in sorted(map(session_key, cookies))  # one order for all who lock rows
                if (session := await store.delete_session(connection, key=key)) is not None
            ]
            if not ended:
                raise NoSession
            for session in ended:
                user = session.user
                await self.outbox.add(connection, session_revoked(user, str(session.sid)))
                await self.activities.record_success(connection, user.uid, client, LOG_OUT)

    async def revoke(self, sid: uuid.UUID, *, uid: str | None = None) -> bool:
        """Ends a session; whether there was one, and if `uid` is given, one of this user."""
        async with self.database.transaction() as connection:
            ended = await store.delete_session(connection, sid=sid, uid=uid)
            if ended is None:
                return False
            await self.outbox.add(connection, session_revoked(ended.user, str(sid)))
        return True

    async def revoke_within(self, connection: Connection, uid: str, sid: uuid.UUID) -> bool:
        """Ends one session of a user, in the transaction of the cause; whether there was one."""
        ended = await store.delete_session(connection, sid=sid, uid=uid)
        if ended is not None:
            await self.outbox.add(connection, session_revoked(ended.user, str(sid)))
        return ended is not None

    async def revoke_all(
        self, connection: Connection, user: User, *, but: uuid.UUID | None = None
    ) -> Sequence[str]:
        """Ends every session of a user, or all `but` one, in the transaction of the cause.

        Returns the sids of the sessions that ended. Gateways forget the one that goes on as well,
        and ask for it again.
        """
        ended = await store.delete_sessions_of(connection, user.uid, but)
        if ended:
            await self.outbox.add(connection, session_revoked(user, None))
        return ended

    async def require_recent(
        self, connection: Connection, uid: str, sid: str | uuid.UUID | None
    ) -> uuid.UUID:
        """The caller's session `sid`, in which the user was authenticated a short time ago.

        Changes of credentials require this: a session that somebody left open is not enough. Raises
        `StepUpRequired`, also for a caller without a session.
        """
        session = uuid.UUID(str(sid)) if sid else None
        found = session and await store.authentication_of(connection, uid, session)
        if session is None or not found or found[1] > self.step_up_seconds:
            raise StepUpRequired(max_age=self.step_up_seconds)
        return session

    async def reauthenticate(
        self, connection: Connection, uid: str, sid: uuid.UUID, *used: str
    ) -> Authentication:
        """Stores that a session's user was authenticated once more, by the methods `used`.

        A code alone is added to the first factor that opened the session. Gateways get the session
        anew. Raises `SessionEnded`.
        """
        before = await store.authentication_of(connection, uid, sid)
        if before is None:
            raise SessionEnded
        if used == (OTP,):
            used = (*(each for each in before[0].amr if each in (PASSWORD, MAIL, PROVIDER)), OTP)
        amr = methods(*used)
        after = await store.set_authentication(connection, uid, sid, amr, level_of(amr))
        if after is None:
            raise SessionEnded
        note(changes_of_user(uid))
        return after

    async def lives(self, connection: Connection, sid: uuid.UUID) -> bool:
        """Whether a session has not ended."""
        return await store.session_lives(connection, sid)

    async def find_sid(
        self, connection: Connection, uid: str, cookies: Sequence[str]
    ) -> uuid.UUID | None:
        """The user's living session that has one of these cookies, the newest of several."""
        return await store.sid_of(connection, uid, [session_key(each) for each in cookies])

    async def forget_origins(self, connection: Connection, uid: str) -> None:
        """Forgets the origins of an account that somebody else had used."""
        await store.delete_origins_of(connection, uid)

    async def delete_expired(self, connection: Connection) -> None:
        """Deletes sessions that ended by themselves, and origins that were not used for long."""
        await store.delete_expired(connection)
        await store.delete_old_origins(connection)

    def _upstream_token(
        self, user: User, sid: str | None, authentication: Authentication | None
    ) -> tuple[str, datetime]:
        """The token that tells upstreams who is calling, and when it expires.

        `sid` is that of the session behind the call, None where there is none. The gateway accepts
        this token from no client.
        """
        return self._token(user, sid, authentication, UPSTREAM_SECONDS, UPSTREAM_TOKEN)

    def _token(
        self,
        user: User,
        sid: str | None,
        authentication: Authentication | None,
        seconds: int,
        token_type: str,
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
        if authentication is not None:
            claims |= authentication.to_claims()
        return self.keys.token(claims, now, ends, token_type), ends


def build(core: Core, users: Users, activities: Activities, keys: KeyChain) -> Sessions:
    """The sessions of this installation."""
    settings = core.settings
    return Sessions(
        core.database,
        core.outbox,
        users,
        activities,
        keys,
        SessionCookie(settings.session_name, settings.secure_cookies),
        Lifetime(settings.session_seconds, settings.session_absolute_seconds),
        settings.sessions_per_user,
        settings.bearer_seconds,
        settings.step_up_seconds,
    )


def _csrf_token(cookies: Sequence[str], key: str, digest: str) -> str | None:
    for cookie in cookies:
        if hmac.compare_digest(session_key(cookie), key):
            token = csrf_token_of(cookie)
            return token if hmac.compare_digest(csrf_digest(token), digest) else None
    return None
