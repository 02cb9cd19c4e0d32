"""Changes the address of a user, and takes a change back."""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from identity_svc.activities.models import CHANGE_EMAIL, REQUEST_EMAIL_CHANGE, REVERSE_EMAIL_CHANGE
from identity_svc.activities.use_cases import Activities
from identity_svc.core import Core
from identity_svc.email_changes.events import change_token, reversal_token
from identity_svc.email_changes.models import (
    REVERSAL_SECONDS,
    EmailNotConfirmed,
    SameEmail,
    suspect_since,
)
from identity_svc.mail_tokens.models import (
    CONFIRMATION,
    EMAIL_CHANGE,
    EMAIL_REVERSAL,
    LOG_IN,
    RESET,
    UtilizedToken,
)
from identity_svc.mail_tokens.use_cases import MailTokens
from identity_svc.ownership.use_cases import Ownership
from identity_svc.password_resets.events import password_reset
from identity_svc.passwords.use_cases import Passwords
from identity_svc.sessions.use_cases import Sessions
from identity_svc.users.models import EmailTaken, email_faults
from identity_svc.users.use_cases import Users
from shared.contracts.activities import Client
from shared.contracts.users import MAY_ACT, User
from shared.database.pool import Connection, Database
from shared.errors import Invalid, Throttled
from shared.messaging.outbox import Outbox
from shared.policy.account_status import PENDING

_OF_THE_ADDRESS = (CONFIRMATION, RESET, LOG_IN, EMAIL_CHANGE)
"""What is mailed to an address, and ends with it."""

_NEXT_MAIL_SECONDS = 60


@dataclass(frozen=True, slots=True)
class EmailChanges:
    """An address changes once somebody has read the mail that was sent to the new one.

    Whoever reads the mail at the old one can take the change back for `REVERSAL_SECONDS`. Until
    then nobody else gets the old address.
    """

    database: Database
    outbox: Outbox
    users: Users
    sessions: Sessions
    passwords: Passwords
    ownership: Ownership
    mail_tokens: MailTokens
    activities: Activities
    domain: str

    async def request(self, uid: str, sid: str | None, email: str, client: Client) -> None:
        """Sends a token to the new address; tokens for other new addresses no longer work.

        Raises `UserNotFound`, `UserNotActive`, `StepUpRequired`, `EmailNotConfirmed`, `SameEmail`,
        `EmailTaken`, `Throttled`, or `Invalid` for what is no address.
        """
        async with self.activities.record_refusals(uid, client, REQUEST_EMAIL_CHANGE):
            if faults := email_faults(email):
                raise Invalid(faults)
            async with self.database.transaction() as connection:
                user = await self.users.lock_active(connection, uid)
                await self.sessions.require_recent(connection, uid, sid)
                if user.state == PENDING:
                    raise EmailNotConfirmed
                if user.email.lower() == email.lower():
                    raise SameEmail
                if await self.users.email_exists(connection, email, but=uid):
                    raise EmailTaken
                if not await self.mail_tokens.quota.take(connection, user, EMAIL_CHANGE):
                    raise Throttled(_NEXT_MAIL_SECONDS)
                await self.mail_tokens.revoke(connection, uid, EMAIL_CHANGE)
                token = await self.mail_tokens.issue(
                    connection, replace(user, email=email), EMAIL_CHANGE
                )
                await self.outbox.add(connection, change_token(user, self.domain, email, token))
                await self.activities.record_success(connection, uid, client, REQUEST_EMAIL_CHANGE)

    async def confirm(self, token: str, client: Client) -> None:
        """Changes the address to the one to which the token was sent; all sessions end.

        Raises `BadMailToken`, `UtilizedToken` or `EmailTaken`.
        """
        read = self.mail_tokens.read(token, EMAIL_CHANGE)
        async with (
            self.activities.record_refusals(read.uid, client, CHANGE_EMAIL),
            self.database.transaction() as connection,
        ):
            user = await self.users.find_and_lock(connection, read.uid)
            if user is None or user.state not in MAY_ACT:
                raise UtilizedToken
            if not await self.mail_tokens.use(connection, read):
                raise UtilizedToken
            await self.change_within(connection, user, read.email)
            await self.activities.record_success(connection, user.uid, client, CHANGE_EMAIL)

    async def change_within(self, connection: Connection, user: User, email: str) -> User:
        """The locked user with another address, as a step of a transaction.

        Sessions end, and so do tokens that were mailed to the old address. The old address is told,
        with a token that takes the change back. Raises `EmailTaken`.
        """
        changed = await self.users.set_email(connection, user, email, REVERSAL_SECONDS)
        await self.mail_tokens.revoke(connection, user.uid, *_OF_THE_ADDRESS)
        await self.sessions.revoke_all(connection, changed)
        token = await self.mail_tokens.issue(
            connection, user, EMAIL_REVERSAL, seconds=REVERSAL_SECONDS
        )
        await self.outbox.add(connection, reversal_token(changed, self.domain, user.email, token))
        return changed

    async def reverse(self, token: str, client: Client) -> None:
        """Gives the user back the address to which the token was sent.

        Somebody else may have made the change: sessions, trusted devices, API keys and links to
        accounts at other providers end, and so do passkeys, a second factor and recovery codes that
        are not older than `suspect_since`. The password no longer works. The user resets it by
        mail, which goes to this address again. Later tokens for a reversal end; earlier ones work
        on. Raises `BadMailToken`, `UtilizedToken` or `EmailTaken`.
        """
        read = self.mail_tokens.read(token, EMAIL_REVERSAL)
        digest = await self.passwords.hasher.digest(secrets.token_urlsafe(32))
        async with (
            self.activities.record_refusals(read.uid, client, REVERSE_EMAIL_CHANGE),
            self.database.transaction() as connection,
        ):
            user = await self.users.find_and_lock(connection, read.uid)
            if user is None:
                raise UtilizedToken
            expires_at = await self.mail_tokens.use_with_later(connection, read)
            if expires_at is None:
                raise UtilizedToken
            if user.email.lower() != read.email.lower():
                user = await self.users.set_email(connection, user, read.email, 0)
            await self.mail_tokens.revoke(connection, user.uid, *_OF_THE_ADDRESS)
            user = await self.passwords.set(connection, user.uid, digest)
            changed_at = expires_at - timedelta(seconds=REVERSAL_SECONDS)
            since = suspect_since(changed_at, self.mail_tokens.seconds)
            user = await self.ownership.end_made_since(connection, user, since, client)
            besides = self.ownership.api_keys_ended()
            await self.outbox.add(connection, password_reset(user, self.domain, besides))
            await self.activities.record_success(connection, user.uid, client, REVERSE_EMAIL_CHANGE)
        await self.ownership.end_api_keys(user.uid)


def build(
    core: Core,
    users: Users,
    sessions: Sessions,
    passwords: Passwords,
    ownership: Ownership,
    mail_tokens: MailTokens,
    activities: Activities,
) -> EmailChanges:
    """The changes of addresses of this installation."""
    return EmailChanges(
        core.database,
        core.outbox,
        users,
        sessions,
        passwords,
        ownership,
        mail_tokens,
        activities,
        core.settings.domain,
    )
