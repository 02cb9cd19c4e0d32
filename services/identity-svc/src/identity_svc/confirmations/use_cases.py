"""Confirms e-mail addresses with tokens that were sent to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from identity_svc.account_status.use_cases import AccountStatus
from identity_svc.confirmations.events import confirmation_token, email_confirmed
from identity_svc.confirmations.models import ActiveOrDoesntExist, ConfirmedEmail
from identity_svc.core import Core
from identity_svc.mail_tokens.even_time import REQUEST_SECONDS, lasting
from identity_svc.mail_tokens.models import CONFIRMATION, UtilizedToken
from identity_svc.mail_tokens.use_cases import MailTokens
from identity_svc.ownership.use_cases import Ownership
from identity_svc.sessions.models import OpenedSession
from identity_svc.sessions.use_cases import Sessions
from identity_svc.throttling.use_cases import Throttle
from identity_svc.users.use_cases import Users
from shared.clients.resource import ResourceClient
from shared.contracts.activities import Client
from shared.contracts.authentication import MAIL
from shared.contracts.users import MAY_ACT, NO_ATTACHMENTS, User
from shared.database.pool import Connection, Database
from shared.errors import Unavailable
from shared.messaging.outbox import Outbox
from shared.policy.account_status import PENDING

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Confirmations:
    """A pending account becomes active by the label `email:verified`.

    resource-svc writes the label on the event of the confirmation. identity-svc also calls it at
    once, so that the answer shows the label.
    """

    database: Database
    outbox: Outbox
    users: Users
    sessions: Sessions
    account_status: AccountStatus
    ownership: Ownership
    mail_tokens: MailTokens
    throttle: Throttle
    resource: ResourceClient
    domain: str

    async def request(self, email: str, client: Client) -> None:
        """Sends another token, if the account is pending.

        Takes the same time whether or not there is such an account. Raises `Throttled`, for
        unknown addresses too.
        """
        async with lasting(REQUEST_SECONDS):
            await self.throttle.attempt("confirmation", email, client)
            async with self.database.transaction() as connection:
                user = await self.users.find_and_lock_by_email(connection, email)
                if user is not None and user.state == PENDING:
                    await self.request_within(connection, user)

    async def request_within(self, connection: Connection, user: User) -> None:
        """Sends another token to a locked, pending user, unless they had many mails recently."""
        if not await self.mail_tokens.quota.take(connection, user, CONFIRMATION):
            return
        token = await self.mail_tokens.issue(connection, user, CONFIRMATION)
        await self.outbox.add(connection, confirmation_token(user, self.domain, token))

    async def confirm(
        self, token: str, cookies: Sequence[str], client: Client
    ) -> tuple[User, OpenedSession | None, dict[str, Any]]:
        """The user, their new session and their attachments.

        A token confirms its own, still pending account, once; what others made of the account
        ends. There is no new session where it had a second factor: a mailbox alone replaces no
        code. `cookies` are of the session in which this is done, if there is one. Raises
        `BadMailToken`, `UtilizedToken` or `ActiveOrDoesntExist`.
        """
        confirmed = await self._confirm(token, cookies)
        uid = confirmed.uid
        if confirmed.api_keys_ended:
            await self.ownership.end_api_keys(uid)
        attachments = await self.activate(uid)
        async with self.database.transaction() as connection:
            user = await self.users.find_and_lock(connection, uid)
            if user is None or user.state not in MAY_ACT:  # access was revoked meanwhile
                raise ActiveOrDoesntExist
            if confirmed.had_second_factor or user.otp:
                return user, None, attachments
            opened = await self.sessions.open(connection, user, client, MAIL)
            return user, opened, attachments

    async def _confirm(self, token: str, cookies: Sequence[str]) -> ConfirmedEmail:
        read = self.mail_tokens.read(token, CONFIRMATION)
        async with self.database.transaction() as connection:
            user = await self.users.find_and_lock(connection, read.uid)
            if user is None or not _same_address(user, read.email):
                raise ActiveOrDoesntExist
            if user.state in MAY_ACT and await self.mail_tokens.was_used(connection, read):
                raise UtilizedToken
            if user.state != PENDING or not await self.mail_tokens.use(connection, read):
                raise ActiveOrDoesntExist
            sid = await self.sessions.find_sid(connection, user.uid, cookies)
            now, keys_ended = await self.ownership.end_others(connection, user, sid)
            besides = self.ownership.api_keys_ended() if keys_ended else {}
            await self.note_proof(connection, now, besides)
        return ConfirmedEmail(user.uid, user.otp, keys_ended)

    async def note_proof(
        self, connection: Connection, user: User, besides: Mapping[str, Any] | None = None
    ) -> None:
        """Notes that the address of a locked user is proven; `activate` has to follow.

        `besides` is added to the snapshot of the event.
        """
        await self.users.note_email_confirmed(connection, user.uid)
        foreseen = await self.account_status.foresee(connection, user.uid, "email", "verified")
        await self.outbox.add(connection, email_confirmed(user, foreseen, self.domain, besides))

    async def activate(self, uid: str) -> dict[str, Any]:
        """What the user has attached, once the label made them active, or none until it does."""
        try:
            labels = await self.resource.put_private_label(uid, "email", "verified")
            return await self.resource.attachments(await self.account_status.apply_labels(labels))
        except Unavailable:
            log.warning("label_left_to_event", uid=uid, key="email")
            return dict(NO_ATTACHMENTS)


def build(
    core: Core,
    users: Users,
    sessions: Sessions,
    account_status: AccountStatus,
    ownership: Ownership,
    mail_tokens: MailTokens,
    throttle: Throttle,
) -> Confirmations:
    """The confirmations of this installation."""
    return Confirmations(
        core.database,
        core.outbox,
        users,
        sessions,
        account_status,
        ownership,
        mail_tokens,
        throttle,
        core.resource,
        core.settings.domain,
    )


def _same_address(user: User, email: str) -> bool:
    return user.email.lower() == email.lower()
