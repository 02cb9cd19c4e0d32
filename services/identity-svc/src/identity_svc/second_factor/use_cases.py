"""Creates, enables, checks and disables second factors."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from identity_svc.activities.models import (
    CREATE_RECOVERY_CODES,
    DISABLE_SECOND_FACTOR,
    ENABLE_SECOND_FACTOR,
    REQUEST_SECRET,
    VERIFY_CODE,
)
from identity_svc.activities.use_cases import Activities
from identity_svc.core import Core
from identity_svc.mail_tokens.models import CODES_GUESSED
from identity_svc.mail_tokens.use_cases import MailQuota, MailTokens
from identity_svc.passkeys.use_cases import Passkeys
from identity_svc.recovery_codes.models import RecoveryCodes
from identity_svc.recovery_codes.use_cases import Recovery
from identity_svc.second_factor import store
from identity_svc.second_factor.authenticator import Authenticator
from identity_svc.second_factor.events import codes_guessed
from identity_svc.second_factor.models import (
    AlreadyEnabled,
    NewSecret,
    NotEnabled,
    NothingToRecover,
    WrongCode,
)
from identity_svc.second_factor.totp import new_secret, otpauth_url
from identity_svc.sessions.use_cases import Sessions
from identity_svc.throttling.models import PER_ACCOUNT
from identity_svc.throttling.use_cases import Throttle
from identity_svc.trusted_devices.use_cases import TrustedDevices
from identity_svc.users.use_cases import Users
from shared.contracts.activities import Client
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.errors import SessionEnded
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """A second factor is a secret whose codes are required at log-in once it is enabled."""

    database: Database
    outbox: Outbox
    users: Users
    sessions: Sessions
    quota: MailQuota
    throttle: Throttle
    activities: Activities
    recovery: Recovery
    passkeys: Passkeys
    trusted_devices: TrustedDevices
    authenticator: Authenticator
    app_name: str
    domain: str

    async def create(self, uid: str, sid: uuid.UUID | None, client: Client) -> NewSecret:
        """A new secret, in place of one that was never enabled; `sid` is the caller's session.

        One that is on is replaced by nothing: it has to be disabled, with a code of it. Raises
        `UserNotFound`, `UserNotActive`, `AlreadyEnabled` or `StepUpRequired`.
        """
        secret = new_secret()
        async with (
            self.activities.record_refusals(uid, client, REQUEST_SECRET),
            self.database.transaction() as connection,
        ):
            user = await self.users.lock_active(connection, uid)
            if user.otp:
                raise AlreadyEnabled
            session = await self.sessions.require_recent(connection, uid, sid)
            await store.put_secret(connection, uid, self.authenticator.seal(uid, secret), session)
            await self.activities.record_success(connection, uid, client, REQUEST_SECRET)
        return NewSecret(secret, otpauth_url(secret, user.email, self.app_name))

    async def enable(self, uid: str, code: str, sid: uuid.UUID | None, client: Client) -> User:
        """The user with the second factor on.

        Ends all sessions that were opened without a code, except `sid`, which makes this call. Its
        user was verified a short time ago, or was when the secret was made in it a short time ago.
        Raises `UserNotFound`, `UserNotActive`, `AlreadyEnabled`, `StepUpRequired`, `WrongCode`,
        `UsedCode`, `Throttled`, or `SessionEnded` if `sid` ended meanwhile.
        """
        async with (
            self.limited("otp", uid, client),
            self.activities.record_refusals(uid, client, ENABLE_SECOND_FACTOR),
            self.database.transaction() as connection,
        ):
            user = await self.users.lock_active(connection, uid)
            if user.otp:
                raise AlreadyEnabled
            if sid is not None and not await self.sessions.lives(connection, sid):
                raise SessionEnded
            await self._require_recent(connection, uid, sid)
            await self.authenticator.accept_first(connection, uid, code)
            await store.enable(connection, uid, sid)
            changed = await self.users.set_second_factor(connection, uid, True)
            await self.sessions.revoke_all(connection, changed, but=sid)
            await self.activities.record_success(connection, uid, client, ENABLE_SECOND_FACTOR)
        return changed

    async def verify(self, uid: str, code: str, client: Client) -> None:
        """Uses up a right code for another service.

        Raises `UserNotFound`, `UserNotActive`, `NotEnabled`, `WrongCode`, `UsedCode` or
        `Throttled`.
        """
        async with (
            self.limited("otp", uid, client),
            self.activities.record_refusals(uid, client, VERIFY_CODE),
            self.database.transaction() as connection,
        ):
            await self.users.lock_active(connection, uid)
            await self.authenticator.accept(connection, uid, code)
            await self.activities.record_success(connection, uid, client, VERIFY_CODE)

    async def disable(self, uid: str, code: str, client: Client) -> User:
        """The user with the second factor off; sessions go on.

        A recovery code is accepted as well, so that somebody who lost the authenticator can set up
        another. Raises `UserNotFound`, `UserNotActive`, `NotEnabled`, `WrongCode`, `UsedCode` or
        `Throttled`.
        """
        async with (
            self.limited("otp", uid, client),
            self.activities.record_refusals(uid, client, DISABLE_SECOND_FACTOR),
            self.database.transaction() as connection,
        ):
            user = await self.users.lock_active(connection, uid)
            if not user.otp:
                raise NotEnabled
            await self.accept_or_recover(connection, user, code, client)
            changed = await self.disable_within(connection, uid)
            await self.activities.record_success(connection, uid, client, DISABLE_SECOND_FACTOR)
        return changed

    async def disable_within(self, connection: Connection, uid: str) -> User:
        """The locked user with the second factor off, without a code."""
        await store.delete_factor(connection, uid)
        await self.trusted_devices.revoke_all(connection, uid)
        if not await self.passkeys.exist(connection, uid):
            await self.recovery.discard(connection, uid)
        return await self.users.set_second_factor(connection, uid, False)

    async def discard(self, connection: Connection, uid: str) -> None:
        """Deletes a locked user's secret, which is not enabled."""
        await store.delete_factor(connection, uid)

    async def was_enabled_in(self, connection: Connection, uid: str, sid: uuid.UUID) -> bool:
        """Whether the user's second factor is on, and was enabled in this session."""
        return await store.enabled_in(connection, uid) == sid

    async def end_enabled_since(
        self, connection: Connection, user: User, moment: datetime, client: Client
    ) -> User:
        """The locked user without a second factor that was enabled at this moment or later.

        A secret that is not enabled ends as well: others may know it.
        """
        if not user.otp:
            await self.discard(connection, user.uid)
        elif await store.enabled_since(connection, user.uid, moment):
            user = await self.disable_within(connection, user.uid)
            await self.activities.record_success(
                connection, user.uid, client, DISABLE_SECOND_FACTOR
            )
        return user

    async def accept(self, connection: Connection, uid: str, code: str) -> None:
        """Uses up a code of a locked user, within `limited`.

        Raises `NotEnabled`, `WrongCode` or `UsedCode`.
        """
        await self.authenticator.accept(connection, uid, code)

    async def accept_or_recover(
        self, connection: Connection, user: User, code: str, client: Client
    ) -> None:
        """Accepts a code or a recovery code; if a recovery code is used, the owner gets a mail."""
        if not await self.recover(connection, user, code, client):
            await self.authenticator.accept(connection, user.uid, code)

    async def recover(self, connection: Connection, user: User, code: str, client: Client) -> bool:
        """Whether this was a recovery code of a locked user, within `limited`; it is used up."""
        return await self.recovery.use(connection, user, code, client)

    async def create_recovery_codes(
        self, uid: str, sid: str | None, client: Client
    ) -> RecoveryCodes:
        """New recovery codes, in place of older ones.

        Raises `UserNotFound`, `UserNotActive`, `StepUpRequired` or `NothingToRecover`.
        """
        async with (
            self.activities.record_refusals(uid, client, CREATE_RECOVERY_CODES),
            self.database.transaction() as connection,
        ):
            user = await self.users.lock_active(connection, uid)
            await self.sessions.require_recent(connection, uid, sid)
            if not user.otp and not await self.passkeys.exist(connection, uid):
                raise NothingToRecover
            made = await self.recovery.create(connection, user, client)
            await self.activities.record_success(connection, uid, client, CREATE_RECOVERY_CODES)
        return made

    @asynccontextmanager
    async def limited(
        self, purpose: Literal["login-otp", "otp"], uid: str, client: Client
    ) -> AsyncIterator[None]:
        """Limits attempts at codes per account, while the block checks one.

        The caller has shown the password (`login-otp`) or a session (`otp`). The block raises
        `WrongCode` for a wrong code; a right one makes all attempts forgotten. Once the free
        attempts are used up, a wrong code warns the owner by mail, once an hour at most. Raises
        `Throttled`.
        """
        attempts = await self.throttle.attempt_code(purpose, uid)
        try:
            yield
        except WrongCode:
            if attempts >= PER_ACCOUNT.free:
                await self._warn(uid, client)
            raise
        await self.throttle.code_succeeded(purpose, uid)

    async def _require_recent(
        self, connection: Connection, uid: str, sid: uuid.UUID | None
    ) -> None:
        set_up = await store.find_set_up(connection, uid)
        if set_up is None:
            raise WrongCode
        lately = set_up.seconds <= self.sessions.step_up_seconds
        if sid is None or set_up.sid != sid or not lately:
            await self.sessions.require_recent(connection, uid, sid)

    async def _warn(self, uid: str, client: Client) -> None:
        async with self.database.transaction() as connection:
            user = await self.users.find_and_lock(connection, uid)
            if user is not None and await self.quota.take(connection, user, CODES_GUESSED):
                await self.outbox.add(connection, codes_guessed(user, self.domain, client))


def build(
    core: Core,
    users: Users,
    sessions: Sessions,
    mail_tokens: MailTokens,
    throttle: Throttle,
    activities: Activities,
    recovery: Recovery,
    passkeys: Passkeys,
    trusted_devices: TrustedDevices,
) -> SecondFactors:
    """The second factors of this installation."""
    settings = core.settings
    return SecondFactors(
        core.database,
        core.outbox,
        users,
        sessions,
        mail_tokens.quota,
        throttle,
        activities,
        recovery,
        passkeys,
        trusted_devices,
        Authenticator(settings.master_keys),
        settings.app_name,
        settings.domain,
    )
