"""Checks passwords, and changes them."""

import uuid
from dataclasses import dataclass

from identity_svc.activities.models import CHANGE_PASSWORD
from identity_svc.activities.use_cases import Activities
from identity_svc.core import Core
from identity_svc.mail_tokens.models import LOG_IN, RESET
from identity_svc.mail_tokens.use_cases import MailTokens
from identity_svc.passwords.events import password_changed
from identity_svc.passwords.hasher import PasswordHasher, outdated
from identity_svc.passwords.models import (
    CheckedPassword,
    PasswordRules,
    PasswordsDiffer,
    SamePassword,
    WrongPassword,
)
from identity_svc.sessions.use_cases import Sessions
from identity_svc.settings import IdentitySettings
from identity_svc.throttling.use_cases import Throttle
from identity_svc.trusted_devices.use_cases import TrustedDevices
from identity_svc.users.models import Credentials
from identity_svc.users.use_cases import Users
from shared.contracts.activities import Client
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.errors import Invalid
from shared.messaging.outbox import Outbox
from shared.text import composed


@dataclass(frozen=True, slots=True)
class Passwords:
    """The passwords of users, and the rules for new ones."""

    database: Database
    outbox: Outbox
    users: Users
    sessions: Sessions
    mail_tokens: MailTokens
    trusted_devices: TrustedDevices
    throttle: Throttle
    activities: Activities
    hasher: PasswordHasher
    rules: PasswordRules
    domain: str

    async def check_by_email(self, email: str, password: str) -> CheckedPassword:
        """Checks an e-mail and a password; the caller limits the attempts.

        A wrong password takes the same time whether or not somebody has this e-mail.
        """
        found, bcrypt_cost = await self.users.find_credentials_by_email(email)
        right = await self._check(found, password, bcrypt_cost)
        return CheckedPassword(found.user if found else None, right)

    async def verify(self, uid: str, password: str, client: Client) -> Credentials:
        """The credentials of a user, if the password is right.

        Attempts are limited for each account and network. Raises `UserNotFound`, `WrongPassword` or
        `Throttled`.
        """
        await self.throttle.attempt("password", uid, client)
        right = await self._check(await self.users.get_credentials(uid), password, None)
        if right is None:
            raise WrongPassword
        await self.throttle.succeeded("password", uid, client)
        return right

    async def change(
        self,
        uid: str,
        old: str,
        new: str,
        confirmation: str,
        sid: uuid.UUID | None,
        client: Client,
    ) -> User:
        """The user as they are now, with another password; all their sessions but `sid` end.

        Raises `PasswordsDiffer`, `UserNotFound`, `WrongPassword`, `SamePassword`, `Invalid` with
        what the new password lacks, or `Throttled`.
        """
        async with self.activities.record_refusals(uid, client, CHANGE_PASSWORD):
            if composed(new) != composed(confirmation):
                raise PasswordsDiffer
            return await self._change(uid, old, new, sid, client)

    async def set(
        self, connection: Connection, uid: str, digest: str, *, but: uuid.UUID | None = None
    ) -> User:
        """The locked user with another password, as a step of a transaction.

        What depends on the old password ends with it: all sessions `but` one, mailed tokens for a
        new password or a log-in, and trusted devices.
        """
        user = await self.users.set_password(connection, uid, digest)
        await self.mail_tokens.revoke(connection, uid, RESET, LOG_IN)
        await self.trusted_devices.revoke_all(connection, uid)
        await self.sessions.revoke_all(connection, user, but=but)
        return user

    async def _check(
        self, found: Credentials | None, password: str, bcrypt_cost: int | None
    ) -> Credentials | None:
        """The credentials if the password is theirs.

        A digest that was imported, or made with other parameters, is replaced then.
        """
        digest = found.digest if found else None
        if not await self.hasher.verify(digest, password, bcrypt_cost) or found is None:
            return None
        if outdated(found.digest):
            await self.users.replace_digest(found, await self.hasher.digest(password))
        return found

    async def _change(
        self, uid: str, old: str, new: str, sid: uuid.UUID | None, client: Client
    ) -> User:
        verified = await self.verify(uid, old, client)
        if composed(new) == composed(old):
            raise SamePassword
        if faults := self.rules.faults(new):
            raise Invalid(faults)
        digest = await self.hasher.digest(new)
        async with self.database.transaction() as connection:
            if not await self.users.lock_password(connection, uid, verified.version):
                raise WrongPassword  # it was changed meanwhile
            user = await self.set(connection, uid, digest, but=sid)
            await self.outbox.add(connection, password_changed(user, self.domain))
            await self.activities.record_success(connection, uid, client, CHANGE_PASSWORD)
        return user


def password_rules(settings: IdentitySettings) -> PasswordRules:
    """The rules of this installation."""
    return PasswordRules(settings.password_pattern, settings.password_min_entropy)


def build(
    core: Core,
    users: Users,
    sessions: Sessions,
    mail_tokens: MailTokens,
    trusted_devices: TrustedDevices,
    throttle: Throttle,
    activities: Activities,
) -> Passwords:
    """The passwords of this installation; its hasher has to be opened."""
    settings = core.settings
    return Passwords(
        core.database,
        core.outbox,
        users,
        sessions,
        mail_tokens,
        trusted_devices,
        throttle,
        activities,
        PasswordHasher(settings.hash_threads, core.registry),
        password_rules(settings),
        settings.domain,
    )
