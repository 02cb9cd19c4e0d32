"""Opens a session for a user who knows the password, has a passkey, or reads their mail."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from identity_svc.activities.models import (
    LOG_IN,
    LOG_IN_BY_MAIL,
    LOG_IN_BY_PROVIDER,
    LOG_IN_WITH_CODE,
    LOG_IN_WITH_PASSKEY,
    Action,
)
from identity_svc.activities.use_cases import Activities
from identity_svc.confirmations.use_cases import Confirmations
from identity_svc.core import Core
from identity_svc.linked_accounts.use_cases import LinkedAccounts
from identity_svc.logins.events import session_created
from identity_svc.logins.models import (
    AccountNotConfirmed,
    Banned,
    Deleted,
    EmailNotVerified,
    InvalidOtp,
    MissingOtp,
    NoAccount,
    NotActive,
    NotLinked,
    SecondStep,
    WrongCredentials,
)
from identity_svc.mail_log_ins.models import InvalidMailLogIn
from identity_svc.mail_log_ins.use_cases import MailLogIns
from identity_svc.passkeys.ceremonies import Credential
from identity_svc.passkeys.models import UnknownPasskey
from identity_svc.passkeys.use_cases import Passkeys
from identity_svc.passwords.use_cases import Passwords
from identity_svc.provider_log_ins.models import InvalidProviderLogIn, Proven, ProviderAnswer
from identity_svc.provider_log_ins.use_cases import ProviderLogIns
from identity_svc.second_factor.models import NotEnabled, WrongCode
from identity_svc.second_factor.use_cases import SecondFactors
from identity_svc.sessions.models import OpenedSession
from identity_svc.sessions.use_cases import Sessions
from identity_svc.sign_ups.use_cases import SignUps
from identity_svc.throttling.use_cases import Throttle
from identity_svc.trusted_devices.models import NewDevice
from identity_svc.trusted_devices.use_cases import TrustedDevices
from identity_svc.users.models import Credentials, UserNotFound
from identity_svc.users.use_cases import Users
from shared.clients.resource import ResourceClient
from shared.contracts.activities import Client
from shared.contracts.authentication import KEY, MAIL, OTP, PASSWORD, PROVIDER, USER
from shared.contracts.users import MAY_ACT, User
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox
from shared.policy.account_status import PENDING

_REFUSALS = {"banned": Banned, "deleted": Deleted}


@dataclass(frozen=True, slots=True)
class LogIn:
    """A new session, what its user has attached, and the device that is trusted from now on."""

    opened: OpenedSession
    attachments: dict[str, Any]
    device: NewDevice | None


@dataclass(frozen=True, slots=True)
class Logins:
    """Only somebody who passed the first factor learns the state of an account."""

    database: Database
    outbox: Outbox
    users: Users
    passwords: Passwords
    second_factors: SecondFactors
    passkeys: Passkeys
    mail_log_ins: MailLogIns
    provider_log_ins: ProviderLogIns
    linked_accounts: LinkedAccounts
    confirmations: Confirmations
    sign_ups: SignUps
    trusted_devices: TrustedDevices
    sessions: Sessions
    throttle: Throttle
    activities: Activities
    resource: ResourceClient

    async def log_in(self, email: str, password: str, client: Client, second: SecondStep) -> LogIn:
        """The session, the user's attachments, and the cookie of a device that is trusted now.

        Raises `Throttled`, `WrongCredentials`, `Banned`, `Deleted`, `NotActive`, `MissingOtp`,
        `InvalidOtp`, `UsedCode`, or `Unavailable` before there is a session.
        """
        right = await self._check_password(email, password, client)
        uid = right.user.uid

        async def lock(connection: Connection) -> User:
            user = await self.users.find_and_lock_for_log_in(connection, uid, right.version)
            if user is None:
                raise WrongCredentials
            _refuse_state(user)
            return user

        asked = right.user.otp and (second.has_code or not second.device_cookies)
        action = LOG_IN_WITH_CODE if asked else LOG_IN
        return await self._open(right.user, lock, PASSWORD, action, client, second)

    async def log_in_by_mail(
        self,
        token: str,
        code: str,
        browser_cookies: Sequence[str],
        client: Client,
        second: SecondStep,
    ) -> LogIn:
        """The same, for the token of a mailed link, or the code in the mail, or both.

        The mail is used up by a session, and by nothing before it: not by a missing code of the
        second factor. Raises what `MailLogIns.check` raises, `Banned`, `Deleted`, `NotActive`,
        `MissingOtp`, `InvalidOtp`, `UsedCode`, `Throttled` or `Unavailable`.
        """
        mail, uid = await self.mail_log_ins.check(token, code, browser_cookies, client)

        async def lock(connection: Connection) -> User:
            user = await self.users.find_and_lock(connection, uid)
            if user is None:
                raise InvalidMailLogIn
            _refuse_state(user)
            await self.mail_log_ins.use(connection, user, mail)
            return user

        async with self.activities.record_refusals(uid, client, LOG_IN_BY_MAIL):
            try:
                before = await self.users.get(uid)
            except UserNotFound:
                raise InvalidMailLogIn from None
            _refuse_state(before)
        opened = await self._open(before, lock, MAIL, LOG_IN_BY_MAIL, client, second)
        await self.throttle.succeeded("mail-login", before.email, client)
        return opened

    async def log_in_by_provider(
        self,
        provider: str,
        answer: ProviderAnswer,
        browser_cookies: Sequence[str],
        client: Client,
        second: SecondStep,
    ) -> LogIn:
        """The same, for the answer of another OpenID provider, in the browser that was sent there.

        The answer is used up by a session, and by nothing before it: not by a missing code of the
        second factor. Who has no account gets one, if the provider verified their address. Raises
        what `ProviderLogIns.check` raises, `EmailNotVerified`, `AccountNotConfirmed`, `NotLinked`,
        `NoAccount`, `EmailTaken`, `TooManyLinkedAccounts`, `Banned`, `Deleted`, `NotActive`,
        `MissingOtp`, `InvalidOtp`, `UsedCode`, `Throttled` or `Unavailable`.
        """
        proven = await self.provider_log_ins.check(provider, answer, browser_cookies)
        uid = await self._owner_of(proven, client)

        async def lock(connection: Connection) -> User:
            user = await self.users.find_and_lock(connection, uid)
            if user is None:
                raise InvalidProviderLogIn
            _refuse_state(user)
            await self.provider_log_ins.use(connection, proven)
            if not await self.linked_accounts.note_use(connection, user, proven.identity):
                if not _may_be_linked(user, proven):  # any more: it was a moment ago
                    raise InvalidProviderLogIn
                await self.linked_accounts.link(connection, user, proven.identity, client)
            return user

        async with self.activities.record_refusals(uid, client, LOG_IN_BY_PROVIDER):
            try:
                before = await self.users.get(uid)
            except UserNotFound:
                raise InvalidProviderLogIn from None
            _refuse_state(before)
        return await self._open(before, lock, PROVIDER, LOG_IN_BY_PROVIDER, client, second)

    async def _owner_of(self, proven: Proven, client: Client) -> str:
        """The uid of the account that is linked, that may be, or that is made now."""
        identity, provider = proven.identity, proven.provider
        uid = await self.linked_accounts.find_owner(identity)
        if uid is not None:
            return uid
        email = identity.verified_email
        if email is None:
            raise EmailNotVerified
        async with self.database.transaction() as connection:
            user = await self.users.find_and_lock_by_email(connection, email)
            if user is not None and user.state == PENDING:
                await self.confirmations.request_within(connection, user)
        if user is None:
            if not provider.sign_up:
                raise NoAccount
            return await self.sign_ups.sign_up_by_provider(identity, email, client)
        async with self.activities.record_refusals(user.uid, client, LOG_IN_BY_PROVIDER):
            if not provider.link_by_email:
                raise NotLinked
            if user.state == PENDING:
                raise AccountNotConfirmed
        return user.uid

    async def log_in_with_passkey(
        self, credential: Credential, client: Client
    ) -> tuple[OpenedSession, dict[str, Any]]:
        """The session and the user's attachments; no further code is required.

        Raises what `Passkeys.check` and `Passkeys.accept` raise, `Banned`, `Deleted`, `NotActive`
        or `Unavailable`.
        """
        used = await self.passkeys.check(credential, "log-in")
        uid = used.passkey.uid
        async with self.activities.record_refusals(uid, client, LOG_IN_WITH_PASSKEY):
            attachments = await self.resource.attachments(await self.users.get(uid))
            async with self.database.transaction() as connection:
                user = await self.users.find_and_lock(connection, uid)
                if user is None:
                    raise UnknownPasskey
                _refuse_state(user)
                await self.passkeys.accept(connection, used)
                opened = await self.sessions.open(connection, user, client, KEY, USER)
                await self.outbox.add(connection, session_created(user, client, opened.origin))
                await self.activities.record_success(connection, uid, client, LOG_IN_WITH_PASSKEY)
        return opened, attachments

    async def _open(
        self,
        before: User,
        lock: Callable[[Connection], Awaitable[User]],
        method: str,
        action: Action,
        client: Client,
        second: SecondStep,
    ) -> LogIn:
        """A session for a user who passed the first factor, `method`, once the second is passed.

        `lock` gives the user, locked, if the first factor still holds, and raises the refusal if it
        does not.
        """
        uid = before.uid
        async with self.activities.record_refusals(uid, client, action):
            if before.otp and not second.has_code and not second.device_cookies:
                raise MissingOtp
            attachments = await self.resource.attachments(before)
            async with (
                self._limited(before, client, has_code=second.has_code),
                self.database.transaction() as connection,
            ):
                user = await lock(connection)
                used, device = [method], None
                if user.otp and second.has_code:
                    await self.second_factors.accept_or_recover(
                        connection, user, second.code, client
                    )
                    used.append(OTP)
                    if second.trust_device:
                        device = await self.trusted_devices.trust(connection, uid, client)
                elif user.otp:
                    await self._require_trusted_device(
                        connection, uid, second.device_cookies, client
                    )
                opened = await self.sessions.open(connection, user, client, *used)
                await self.outbox.add(connection, session_created(user, client, opened.origin))
                await self.activities.record_success(connection, uid, client, action)
        return LogIn(opened, attachments, device)

    async def _require_trusted_device(
        self, connection: Connection, uid: str, cookies: Sequence[str], client: Client
    ) -> None:
        if not await self.trusted_devices.recognize(connection, uid, cookies, client):
            raise MissingOtp

    @asynccontextmanager
    async def _limited(self, user: User, client: Client, *, has_code: bool) -> AsyncIterator[None]:
        """Limits attempts at a code, where one is shown and required, with a log-in's errors."""
        if not user.otp or not has_code:
            yield
            return
        try:
            async with self.second_factors.limited("login-otp", user.uid, client):
                yield
        except (NotEnabled, WrongCode):
            raise InvalidOtp from None

    async def _check_password(self, email: str, password: str, client: Client) -> Credentials:
        await self.throttle.attempt("login", email, client)
        checked = await self.passwords.check_by_email(email, password)
        uid = checked.owner.uid if checked.owner else None
        async with self.activities.record_refusals(uid, client, LOG_IN):
            if checked.credentials is None:
                raise WrongCredentials
            await self.throttle.succeeded("login", email, client)
            _refuse_state(checked.credentials.user)
        return checked.credentials


def build(
    core: Core,
    users: Users,
    passwords: Passwords,
    second_factors: SecondFactors,
    passkeys: Passkeys,
    mail_log_ins: MailLogIns,
    provider_log_ins: ProviderLogIns,
    linked_accounts: LinkedAccounts,
    confirmations: Confirmations,
    sign_ups: SignUps,
    trusted_devices: TrustedDevices,
    sessions: Sessions,
    throttle: Throttle,
    activities: Activities,
) -> Logins:
    """The log-ins of this installation."""
    return Logins(
        core.database,
        core.outbox,
        users,
        passwords,
        second_factors,
        passkeys,
        mail_log_ins,
        provider_log_ins,
        linked_accounts,
        confirmations,
        sign_ups,
        trusted_devices,
        sessions,
        throttle,
        activities,
        core.resource,
    )


def _refuse_state(user: User) -> None:
    if user.state not in MAY_ACT:
        raise _REFUSALS.get(user.state, NotActive)


def _may_be_linked(user: User, proven: Proven) -> bool:
    """Whether both sides verified the same address."""
    email = proven.identity.verified_email
    return (
        proven.provider.link_by_email
        and email is not None
        and user.state != PENDING
        and user.email.lower() == email.lower()
    )
