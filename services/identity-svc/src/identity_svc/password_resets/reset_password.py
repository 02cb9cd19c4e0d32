"""Replaces a forgotten password, with the token that was sent."""

from dataclasses import dataclass

from identity_svc.activities import deeds
from identity_svc.activities.record import RecordActivities
from identity_svc.mail_tokens.errors import UtilizedToken
from identity_svc.mail_tokens.tokens import RESET, MailTokens, ReadToken
from identity_svc.ownership.end_others import EndOthers
from identity_svc.password_resets.errors import PasswordsDontMatch
from identity_svc.password_resets.events import password_reset
from identity_svc.passwords.hasher import PasswordHasher
from identity_svc.passwords.rules import PasswordRules
from identity_svc.passwords.set_password import SetPassword
from identity_svc.standing.rules import MAY_LOG_IN
from identity_svc.throttling.models import Purpose
from identity_svc.throttling.use_cases import Throttle
from identity_svc.users.rows import lock_user_by_uid
from shared.contracts.activities import Client
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.errors import Invalid
from shared.messaging.outbox import Outbox
from shared.policy.standing import PENDING
from shared.text import composed

_FORGIVEN: tuple[Purpose, ...] = ("login", "reset")


@dataclass(frozen=True, slots=True)
class ResetPassword:
    """All tokens work until one is used; a password that is not good enough uses none up.

    All sessions and API keys end, and of a pending account the second factor, too: nobody had
    proven the address before. State and level stay as they are. Who forgot a password has guessed
    at it: those attempts are forgiven.
    """

    database: Database
    outbox: Outbox
    throttle: Throttle
    hasher: PasswordHasher
    password_rules: PasswordRules
    tokens: MailTokens
    set_password: SetPassword
    end_others: EndOthers
    record: RecordActivities
    domain: str

    async def __call__(self, token: str, password: str, confirmation: str, client: Client) -> None:
        """Raises `PasswordsDontMatch`, `BadMailToken`, `UtilizedToken` or `Invalid`, in order."""
        if composed(password) != composed(confirmation):
            raise PasswordsDontMatch
        read = self.tokens.read(token, RESET)
        async with self.record.refusals(read.uid, client, deeds.RESET_PASSWORD):
            user = await self._reset(read, password, client)
        await self.end_others.end_api_keys(user.uid)
        for purpose in _FORGIVEN:
            await self.throttle.succeeded(purpose, user.email, client)

    async def _reset(self, read: ReadToken, password: str, client: Client) -> User:
        async with self.database.connection() as connection:
            if not await self.tokens.works(connection, read):
                raise UtilizedToken
        if faults := self.password_rules.faults(password):
            raise Invalid(faults)
        digest = await self.hasher.digest(password)
        async with self.database.transaction() as connection:
            before = await self._use(connection, read)
            user = await self.set_password(connection, read.uid, digest)
            if before.state == PENDING:
                user, _ = await self.end_others(connection, user, None)
            besides = self.end_others.end_api_keys.told()
            await self.outbox.add(connection, password_reset(user, self.domain, besides))
            await self.record.success(connection, user.uid, client, deeds.RESET_PASSWORD)
        return user

    async def _use(self, connection: Connection, read: ReadToken) -> User:
        user = await lock_user_by_uid(connection, read.uid)
        if user is None or user.state not in MAY_LOG_IN:
            raise UtilizedToken
        if not await self.tokens.use(connection, read):
            raise UtilizedToken
        return user
