"""Verifies users who have a session already."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from identity_svc.activities.models import VERIFY_SESSION
from identity_svc.activities.use_cases import Activities
from identity_svc.core import Core
from identity_svc.passkeys.ceremonies import Credential
from identity_svc.passkeys.use_cases import Passkeys
from identity_svc.passwords.models import WrongPassword
from identity_svc.passwords.use_cases import Passwords
from identity_svc.recovery_codes.models import is_recovery_code
from identity_svc.second_factor.models import NotEnabled, WrongCode
from identity_svc.second_factor.use_cases import SecondFactors
from identity_svc.sessions.models import NoSession
from identity_svc.sessions.use_cases import Sessions
from identity_svc.users.use_cases import Users
from identity_svc.verifications.models import (
    InvalidOtp,
    InvalidPassword,
    MissingOtp,
    NothingShown,
)
from shared.contracts.activities import Client
from shared.contracts.authentication import KEY, OTP, PASSWORD, USER, Authentication
from shared.database.pool import Connection, Database


@dataclass(frozen=True, slots=True)
class Verifications:
    """A verification renews `amr`, `acr` and `auth_time` of the session in which it is made."""

    database: Database
    users: Users
    passwords: Passwords
    second_factors: SecondFactors
    passkeys: Passkeys
    sessions: Sessions
    activities: Activities

    async def verify(
        self, uid: str, sid: str | None, password: str, code: str, client: Client
    ) -> Authentication:
        """Authenticates the user once more; returns how they are authenticated now.

        The user gives the password, and a code if the second factor is on. If it is on, a code
        alone is enough, because the session stands for the password. A recovery code counts as a
        code, also in place of a passkey where there is no second factor. A code beside a wrong
        password is not used up. Blank values count as absent. Raises `NoSession` if the call has
        none, `NothingShown`, `InvalidPassword`, `MissingOtp`, `InvalidOtp`, `UsedCode`, `Throttled`
        or `SessionEnded`.
        """
        if sid is None:
            raise NoSession
        if not password.strip() and not code:
            raise NothingShown
        async with self.activities.record_refusals(uid, client, VERIFY_SESSION):
            version = await self._check_password(uid, password, client)
            async with (
                self._limited(uid, code, client),
                self.database.transaction() as connection,
            ):
                used = await self._check(connection, uid, version, code, client)
                shown = await self.sessions.reauthenticate(connection, uid, uuid.UUID(sid), *used)
                await self.activities.record_success(connection, uid, client, VERIFY_SESSION)
        return shown

    async def verify_by_passkey(
        self, uid: str, sid: str | None, credential: Credential, client: Client
    ) -> Authentication:
        """The same by one of the user's passkeys.

        Raises what `Passkeys.check` and `Passkeys.accept` raise, or `SessionEnded`.
        """
        async with self.activities.record_refusals(uid, client, VERIFY_SESSION):
            used = await self.passkeys.check(credential, "verify", uid, sid)
            async with self.database.transaction() as connection:
                await self.users.lock_active(connection, uid)
                await self.passkeys.accept(connection, used)
                shown = await self.sessions.reauthenticate(
                    connection, uid, uuid.UUID(sid), KEY, USER
                )
                await self.activities.record_success(connection, uid, client, VERIFY_SESSION)
        return shown

    async def _check_password(self, uid: str, password: str, client: Client) -> int | None:
        """The version of the password, if one is given."""
        if not password.strip():
            return None
        try:
            return (await self.passwords.verify(uid, password, client)).version
        except WrongPassword:
            raise InvalidPassword from None

    async def _check(
        self, connection: Connection, uid: str, version: int | None, code: str, client: Client
    ) -> list[str]:
        """The methods that were used."""
        if version is not None and not await self.users.lock_password(connection, uid, version):
            raise InvalidPassword  # it was changed meanwhile
        user = await self.users.lock_active(connection, uid)
        used = [] if version is None else [PASSWORD]
        if user.otp:
            if not code:
                raise MissingOtp
            await self.second_factors.accept_or_recover(connection, user, code, client)
            used.append(OTP)
        elif code and await self.second_factors.recover(connection, user, code, client):
            used.append(OTP)
        elif version is None or is_recovery_code(code):
            raise InvalidOtp
        return used

    @asynccontextmanager
    async def _limited(self, uid: str, code: str, client: Client) -> AsyncIterator[None]:
        """Limits attempts at a code, if one is given."""
        if not code:
            yield
            return
        try:
            async with self.second_factors.limited("otp", uid, client):
                yield
        except (NotEnabled, WrongCode):
            raise InvalidOtp from None


def build(
    core: Core,
    users: Users,
    passwords: Passwords,
    second_factors: SecondFactors,
    passkeys: Passkeys,
    sessions: Sessions,
    activities: Activities,
) -> Verifications:
    """The verifications of this installation."""
    return Verifications(
        core.database, users, passwords, second_factors, passkeys, sessions, activities
    )
