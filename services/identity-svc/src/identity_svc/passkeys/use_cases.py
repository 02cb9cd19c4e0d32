"""Adds, lists, renames and deletes passkeys, and checks the answers of authenticators."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yarl import URL

from identity_svc.activities.models import ADD_PASSKEY, DELETE_PASSKEY
from identity_svc.activities.use_cases import Activities
from identity_svc.core import Core
from identity_svc.passkeys import store
from identity_svc.passkeys.ceremonies import (
    Credential,
    challenge_of,
    creation_options,
    credential_id_of,
    new_challenge,
    request_options,
    user_handle_of,
    verify_creation,
    verify_use,
)
from identity_svc.passkeys.events import passkey_changed
from identity_svc.passkeys.models import (
    MAX_PASSKEYS,
    Challenge,
    ClonedAuthenticator,
    InvalidChallenge,
    InvalidCredential,
    Passkey,
    PasskeyNotFound,
    PasskeyOfAnother,
    Purpose,
    RelyingParty,
    TooManyPasskeys,
    UnknownPasskey,
    UsedPasskey,
)
from identity_svc.recovery_codes.use_cases import Recovery
from identity_svc.sessions.models import NoSession
from identity_svc.sessions.use_cases import Sessions
from identity_svc.settings import front_end_origin
from identity_svc.throttling.use_cases import Throttle
from identity_svc.users.use_cases import Users
from shared.contracts.activities import Client
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.errors import SessionEnded
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Passkeys:
    """A challenge is answered once, whether the answer is right or wrong.

    A passkey stands for two factors: the authenticator, and the way in which it verifies its user.
    """

    database: Database
    outbox: Outbox
    users: Users
    sessions: Sessions
    recovery: Recovery
    throttle: Throttle
    activities: Activities
    party: RelyingParty

    async def ask_for_log_in(self, client: Client) -> dict[str, Any]:
        """Options for the browser of somebody who is not logged in; raises `Throttled`."""
        await self.throttle.attempt_of_network("passkey", client)
        return request_options(self.party, await self._challenge("log-in"))

    async def ask_for_verification(self, uid: str, sid: str | None) -> dict[str, Any]:
        """Options for the browser of a user with a session; raises `NoSession`."""
        session = _uuid(sid)
        passkeys = await self.list(uid)
        challenge = await self._challenge("verify", uid, session)
        return request_options(self.party, challenge, passkeys)

    async def ask_to_add(self, uid: str, sid: str | None) -> dict[str, Any]:
        """Options with which the browser makes a passkey.

        Raises `UserNotFound`, `UserNotActive`, `StepUpRequired` or `TooManyPasskeys`.
        """
        async with self.database.transaction() as connection:
            user = await self.users.lock_active(connection, uid)
            await self.sessions.require_recent(connection, uid, sid)
            existing = await store.list_passkeys(connection, uid)
        if len(existing) >= MAX_PASSKEYS:
            raise TooManyPasskeys
        challenge = await self._challenge("add", uid, _uuid(sid))
        return creation_options(self.party, user, challenge, existing)

    async def add(
        self, uid: str, sid: str | None, credential: Credential, name: str, client: Client
    ) -> Passkey:
        """The new passkey.

        The challenge was given to a user who had been verified shortly before. Raises
        `UserNotFound`, `UserNotActive`, `NoSession`, `PasskeyTaken`, `TooManyPasskeys`,
        `InvalidChallenge`, `InvalidOrigin`, `UserNotVerified`, `InvalidCredential`, or
        `SessionEnded` where the session ended meanwhile.
        """
        async with self.activities.record_refusals(uid, client, ADD_PASSKEY):
            session = _uuid(sid)
            challenge = await self._answered(credential, "add", uid, session)
            new = verify_creation(self.party, challenge, credential)
            async with self.database.transaction() as connection:
                user = await self.users.lock_active(connection, uid)
                if not await self.sessions.lives(connection, session):
                    raise SessionEnded
                if len(await store.list_passkeys(connection, uid)) >= MAX_PASSKEYS:
                    raise TooManyPasskeys
                passkey = await store.insert_passkey(connection, uid, new, name, session)
                await self.outbox.add(connection, passkey_changed("created", user, passkey))
                await self.activities.record_success(connection, uid, client, ADD_PASSKEY)
        return passkey

    async def list(self, uid: str) -> Sequence[Passkey]:
        """The passkeys of a user, the oldest first."""
        async with self.database.connection() as connection:
            return await store.list_passkeys(connection, uid)

    async def rename(self, uid: str, passkey: uuid.UUID | None, name: str) -> Passkey:
        """The passkey with another name; raises `PasskeyNotFound` or `UserNotActive`."""
        if passkey is None:
            raise PasskeyNotFound
        async with self.database.transaction() as connection:
            user = await self.users.lock_active(connection, uid)
            renamed = await store.rename_passkey(connection, uid, passkey, name)
            if renamed is None:
                raise PasskeyNotFound
            after, old_name = renamed
            if old_name != name:
                event = passkey_changed("updated", user, after, {"name": old_name})
                await self.outbox.add(connection, event)
        return after

    async def delete(
        self, uid: str, sid: str | None, passkey: uuid.UUID | None, client: Client
    ) -> None:
        """Deletes a passkey; recovery codes go with the last factor.

        Raises `PasskeyNotFound`, `UserNotActive` or `StepUpRequired`.
        """
        async with (
            self.activities.record_refusals(uid, client, DELETE_PASSKEY),
            self.database.transaction() as connection,
        ):
            user = await self.users.lock_active(connection, uid)
            await self.sessions.require_recent(connection, uid, sid)
            if passkey is None:
                raise PasskeyNotFound
            deleted = await store.delete_passkey(connection, uid, passkey)
            if deleted is None:
                raise PasskeyNotFound
            if not user.otp and not await self.exist(connection, uid):
                await self.recovery.discard(connection, uid)
            await self.outbox.add(connection, passkey_changed("deleted", user, deleted))
            await self.activities.record_success(connection, uid, client, DELETE_PASSKEY)

    async def exist(self, connection: Connection, uid: str) -> bool:
        """Whether the user has a passkey."""
        return bool(await store.list_passkeys(connection, uid))

    async def end_others(self, connection: Connection, user: User, sid: uuid.UUID | None) -> None:
        """Deletes the passkeys of a locked user that were not added in this session."""
        deleted = await store.delete_all_but(connection, user.uid, sid)
        events = [passkey_changed("deleted", user, each) for each in deleted]
        await self.outbox.add(connection, *events)

    async def end_added_since(
        self, connection: Connection, user: User, moment: datetime, client: Client
    ) -> None:
        """Deletes the passkeys of a locked user that were added at this moment or later."""
        for each in await store.delete_added_since(connection, user.uid, moment):
            await self.outbox.add(connection, passkey_changed("deleted", user, each))
            await self.activities.record_success(connection, user.uid, client, DELETE_PASSKEY)

    async def check(
        self,
        credential: Credential,
        purpose: Purpose,
        uid: str | None = None,
        sid: str | None = None,
    ) -> UsedPasskey:
        """The passkey whose authenticator answered a challenge; `accept` has to follow.

        For a verification, `uid` and `sid` are the caller's. Raises `InvalidChallenge`,
        `UnknownPasskey`, `PasskeyOfAnother`, `InvalidOrigin`, `UserNotVerified`,
        `InvalidCredential`, or `NoSession` if a verification has none.
        """
        session = None if purpose == "log-in" else _uuid(sid)
        challenge = await self._answered(credential, purpose, uid, session)
        async with self.database.connection() as connection:
            passkey = await store.find_by_credential(connection, credential_id_of(credential))
        if passkey is None:
            raise UnknownPasskey
        handle = user_handle_of(credential)
        if not handle and purpose == "log-in":
            raise InvalidCredential  # WebAuthn Level 3, 7.2, step 6
        if passkey.uid != (handle or passkey.uid) or passkey.uid != (uid or passkey.uid):
            raise PasskeyOfAnother
        return verify_use(self.party, challenge, credential, passkey)

    async def accept(self, connection: Connection, used: UsedPasskey) -> None:
        """Notes the use in the transaction of what it allows.

        Raises `ClonedAuthenticator` where the counter did not grow, `UnknownPasskey` where the
        passkey was deleted meanwhile.
        """
        if await store.note_use(connection, used):
            return
        exists = await store.passkey_exists(connection, used.passkey.id)
        raise ClonedAuthenticator if exists else UnknownPasskey

    async def delete_expired(self, connection: Connection) -> None:
        """Deletes challenges that nobody may answer any more."""
        await store.delete_expired_challenges(connection)

    async def _challenge(
        self, purpose: Purpose, uid: str | None = None, sid: uuid.UUID | None = None
    ) -> bytes:
        challenge = new_challenge()
        async with self.database.connection() as connection:
            await store.insert_challenge(connection, _digest(challenge), purpose, uid, sid)
        return challenge

    async def _answered(
        self, credential: Credential, purpose: Purpose, uid: str | None, sid: uuid.UUID | None
    ) -> Challenge:
        """The challenge that is answered, and is used up now, also by a wrong answer."""
        value = challenge_of(credential)
        async with self.database.connection() as connection:
            challenge = await store.use_challenge(connection, _digest(value), value, purpose)
        if challenge is None or (challenge.uid, challenge.sid) != (uid, sid):
            raise InvalidChallenge
        return challenge


def relying_party(domain: str, origins: Sequence[str], id: str, name: str) -> RelyingParty:  # noqa: A002
    """The relying party that the settings describe.

    Without origins it is that of the front end's address; without an id, the first origin's host.
    """
    allowed = tuple(origins) or (front_end_origin(domain),)
    return RelyingParty(id or URL(allowed[0]).host or "", name, allowed)


def build(
    core: Core,
    users: Users,
    sessions: Sessions,
    recovery: Recovery,
    throttle: Throttle,
    activities: Activities,
) -> Passkeys:
    """The passkeys of this installation."""
    settings = core.settings
    return Passkeys(
        core.database,
        core.outbox,
        users,
        sessions,
        recovery,
        throttle,
        activities,
        relying_party(
            settings.domain,
            settings.passkey_origins,
            settings.passkey_domain,
            settings.app_name,
        ),
    )


def _uuid(sid: str | None) -> uuid.UUID:
    if sid is None:
        raise NoSession
    return uuid.UUID(sid)


def _digest(challenge: bytes) -> bytes:
    return hashlib.sha256(challenge).digest()
