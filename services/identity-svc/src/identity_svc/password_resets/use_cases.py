"""Replaces forgotten passwords with tokens that were mailed."""

from dataclasses import dataclass

from identity_svc.activities.models import REQUEST_RESET, RESET_PASSWORD
from identity_svc.activities.use_cases import Activities
from identity_svc.core import Core
from identity_svc.mail_tokens.even_time import REQUEST_SECONDS, lasting
from identity_svc.mail_tokens.models import RESET, ReadToken, UtilizedToken
from identity_svc.mail_tokens.use_cases import MailTokens
from identity_svc.ownership.use_cases import Ownership
from identity_svc.password_resets.events import password_reset, reset_token
from identity_svc.password_resets.models import PasswordsDontMatch
from identity_svc.passwords.use_cases import Passwords
from identity_svc.throttling.models import Purpose
from identity_svc.throttling.use_cases import Throttle
from identity_svc.users.use_cases import Users
from shared.contracts.activities import Client
from shared.contracts.users import MAY_ACT, User
from shared.database.pool import Connection, Database
from shared.errors import Invalid
from shared.messaging.outbox import Outbox
from shared.policy.account_status import PENDING
from shared.text import composed

_FORGIVEN: tuple[Purpose, ...] = ("login", "reset")


@dataclass(frozen=True, slots=True)
class PasswordResets:
    """All tokens work until one of them is used."""

    database: Database
    outbox: Outbox
    users: Users
    passwords: Passwords
    ownership: Ownership
    mail_tokens: MailTokens
    throttle: Throttle
    activities: Activities
    domain: str

    async def request(self, email: str, client: Client) -> None:
        """Sends a token, where the account may log in and had few mails in the last minutes.

        Takes the same time whether or not there is such an account. Raises `Throttled`.
        """
        async with lasting(REQUEST_SECONDS):
            await self.throttle.attempt("reset", email, client)
            async with self.database.transaction() as connection:
                user = await self.users.find_and_lock_by_email(connection, email)
                if user is None or user.state not in MAY_ACT:
                    return
                if not await self.mail_tokens.quota.take(connection, user, RESET):
                    return
                token = await self.mail_tokens.issue(connection, user, RESET)
                await self.outbox.add(connection, reset_token(user, self.domain, token))
                await self.activities.record_success(connection, user.uid, client, REQUEST_RESET)

    async def reset(self, token: str, password: str, confirmation: str, client: Client) -> None:
        """Sets a new password; a password that is not good enough uses up no token.

        All sessions and API keys end. On a pending account the second factor ends, too: nobody had
        proven the address before. State and level stay. Attempts at the forgotten password are
        forgiven. Raises `PasswordsDontMatch`, `BadMailToken`, `UtilizedToken` or `Invalid`, in this
        order.
        """
        if composed(password) != composed(confirmation):
            raise PasswordsDontMatch
        read = self.mail_tokens.read(token, RESET)
        async with self.activities.record_refusals(read.uid, client, RESET_PASSWORD):
            user = await self._reset(read, password, client)
        await self.ownership.end_api_keys(user.uid)
        for purpose in _FORGIVEN:
            await self.throttle.succeeded(purpose, user.email, client)

    async def _reset(self, read: ReadToken, password: str, client: Client) -> User:
        async with self.database.connection() as connection:
            if not await self.mail_tokens.works(connection, read):
                raise UtilizedToken
        if faults := self.passwords.rules.faults(password):
            raise Invalid(faults)
        digest = await self.passwords.hasher.digest(password)
        async with self.database.transaction() as connection:
            before = await self._use(connection, read)
            user = await self.passwords.set(connection, read.uid, digest)
            if before.state == PENDING:
                user, _ = await self.ownership.end_others(connection, user, None)
            besides = self.ownership.api_keys_ended()
            await self.outbox.add(connection, password_reset(user, self.domain, besides))
            await self.activities.record_success(connection, user.uid, client, RESET_PASSWORD)
        return user

    async def _use(self, connection: Connection, read: ReadToken) -> User:
        user = await self.users.find_and_lock(connection, read.uid)
        if user is None or user.state not in MAY_ACT:
            raise UtilizedToken
        if not await self.mail_tokens.use(connection, read):
            raise UtilizedToken
        return user


def build(
    core: Core,
    users: Users,
    passwords: Passwords,
    ownership: Ownership,
    mail_tokens: MailTokens,
    throttle: Throttle,
    activities: Activities,
) -> PasswordResets:
    """The password resets of this installation."""
    return PasswordResets(
        core.database,
        core.outbox,
        users,
        passwords,
        ownership,
        mail_tokens,
        throttle,
        activities,
        core.settings.domain,
    )
