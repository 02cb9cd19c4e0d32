"""Opens a session for who knows the password."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from identity_svc.activities.deeds import LOG_IN, LOG_IN_WITH_CODE
from identity_svc.activities.record import RecordActivities
from identity_svc.passwords.check_password import CheckPassword
from identity_svc.passwords.store import Credentials
from identity_svc.second_factor.authenticator import Authenticator
from identity_svc.second_factor.errors import NotEnabled, WrongCode
from identity_svc.second_factor.limit_codes import LimitCodes
from identity_svc.sessions import store
from identity_svc.sessions.errors import (
    Banned,
    Deleted,
    InvalidOtp,
    MissingOtp,
    NotActive,
    WrongCredentials,
)
from identity_svc.sessions.open_session import OpenedSession, OpenSession
from identity_svc.standing.rules import MAY_LOG_IN
from identity_svc.throttling.use_cases import Throttle
from shared.clients.resource import ResourceClient
from shared.contracts.activities import Client
from shared.contracts.events import Event
from shared.contracts.users import User
from shared.database.pool import Database
from shared.messaging.outbox import Outbox

_REFUSALS = {"banned": Banned, "deleted": Deleted}


@dataclass(frozen=True, slots=True)
class LogIn:
    """The state of an account is told only to who knows its password."""

    database: Database
    outbox: Outbox
    throttle: Throttle
    check_password: CheckPassword
    limit_codes: LimitCodes
    authenticator: Authenticator
    resource: ResourceClient
    open_session: OpenSession
    record: RecordActivities

    async def __call__(
        self, email: str, password: str, otp_code: str, client: Client
    ) -> tuple[OpenedSession, dict[str, Any]]:
        """The session and the user's attachments.

        Raises `Throttled`, `WrongCredentials`, `Banned`, `Deleted`, `NotActive`, `MissingOtp`,
        `InvalidOtp`, `UsedCode`, or `Unavailable` before there is a session.
        """
        right = await self._check_password(email, password, client)
        uid = right.user.uid
        deed = LOG_IN_WITH_CODE if right.user.otp else LOG_IN
        async with self.record.refusals(uid, client, deed):
            if right.user.otp and not otp_code.strip():
                raise MissingOtp
            attachments = await self.resource.attachments(right.user)
            async with self._limited(right.user, client), self.database.transaction() as connection:
                user = await store.lock_standing(connection, uid, right.version)
                if user is None:
                    raise WrongCredentials
                _refuse_state(user)
                if user.otp:
                    await self.authenticator.accept(connection, uid, otp_code)
                opened = await self.open_session(connection, user, client)
                await self.outbox.add(connection, session_created(user, client))
                await self.record.success(connection, uid, client, deed)
        return opened, attachments

    @asynccontextmanager
    async def _limited(self, user: User, client: Client) -> AsyncIterator[None]:
        """Limits attempts at a code, where one is asked for; wrong in the words of a log-in."""
        if not user.otp:
            yield
            return
        try:
            async with self.limit_codes("login-otp", user.uid, client):
                yield
        except (NotEnabled, WrongCode):
            raise InvalidOtp from None

    async def _check_password(self, email: str, password: str, client: Client) -> Credentials:
        await self.throttle.attempt("login", email, client)
        checked = await self.check_password.by_email(email, password)
        uid = checked.owner.uid if checked.owner else None
        async with self.record.refusals(uid, client, LOG_IN):
            if checked.credentials is None:
                raise WrongCredentials
            await self.throttle.succeeded("login", email, client)
            _refuse_state(checked.credentials.user)
        return checked.credentials


def _refuse_state(user: User) -> None:
    if user.state not in MAY_LOG_IN:
        raise _REFUSALS.get(user.state, NotActive)


def session_created(user: User, client: Client) -> Event:
    """Somebody logged in."""
    return Event(
        name="system.session.create",
        record={
            "user": user.event_record(),
            "user_ip": str(client.ip),
            "user_agent": client.user_agent,
        },
    )
