"""Confirms an address with the token that was sent to it, and opens a session."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from identity_svc.confirmations import store
from identity_svc.confirmations.errors import ActiveOrDoesntExist
from identity_svc.confirmations.events import email_confirmed
from identity_svc.mail_tokens.errors import UtilizedToken
from identity_svc.mail_tokens.tokens import CONFIRMATION, MailTokens
from identity_svc.ownership.end_others import EndOthers
from identity_svc.sessions.open_session import OpenedSession, OpenSession
from identity_svc.sessions.store import sid_of
from identity_svc.standing.apply_labels import ApplyLabels
from identity_svc.standing.rules import MAY_LOG_IN
from identity_svc.users.rows import lock_user_by_uid
from shared.clients.resource import ResourceClient
from shared.contracts.activities import Client
from shared.contracts.sessions import session_key
from shared.contracts.users import NO_ATTACHMENTS, User
from shared.database.pool import Database
from shared.errors import Unavailable
from shared.messaging.outbox import Outbox
from shared.policy.standing import PENDING

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Confirmed:
    """Whose address was confirmed, and what was found there."""

    uid: str
    had_second_factor: bool
    api_keys_ended: bool


@dataclass(frozen=True, slots=True)
class ConfirmEmail:
    """A token confirms its own, still pending account, once; what others made of it ends.

    What makes the account active is the label `email:verified`, which resource-svc writes on the
    event; it is asked for at once as well, so that the answer shows it.
    """

    database: Database
    outbox: Outbox
    tokens: MailTokens
    end_others: EndOthers
    resource: ResourceClient
    apply_labels: ApplyLabels
    open_session: OpenSession
    domain: str

    async def __call__(
        self, token: str, cookies: Sequence[str], client: Client
    ) -> tuple[User, OpenedSession | None, dict[str, Any]]:
        """The user, their new session and their attachments.

        There is no session where the account had a second factor: a mailbox alone stands for no
        code. `cookies` are of the session in which this is done, if there is one. Raises
        `BadMailToken`, `UtilizedToken` or `ActiveOrDoesntExist`.
        """
        confirmed = await self._confirm(token, cookies)
        uid = confirmed.uid
        if confirmed.api_keys_ended:
            await self.end_others.end_api_keys(uid)
        attachments = await self._verified(uid)
        async with self.database.transaction() as connection:
            user = await lock_user_by_uid(connection, uid)
            if user is None or user.state not in MAY_LOG_IN:  # they were shut out meanwhile
                raise ActiveOrDoesntExist
            if confirmed.had_second_factor or user.otp:
                return user, None, attachments
            opened = await self.open_session(connection, user, client)
            return user, opened, attachments

    async def _confirm(self, token: str, cookies: Sequence[str]) -> _Confirmed:
        read = self.tokens.read(token, CONFIRMATION)
        async with self.database.transaction() as connection:
            user = await lock_user_by_uid(connection, read.uid)
            if user is None or not _same_address(user, read.email):
                raise ActiveOrDoesntExist
            if user.state in MAY_LOG_IN and await self.tokens.was_used(connection, read):
                raise UtilizedToken
            if user.state != PENDING or not await self.tokens.use(connection, read):
                raise ActiveOrDoesntExist
            sid = await sid_of(connection, user.uid, [session_key(each) for each in cookies])
            now, keys_ended = await self.end_others(connection, user, sid)
            await store.note_email_confirmed(connection, user.uid)
            foreseen = await self.apply_labels.foresee(connection, user.uid, "email", "verified")
            besides = self.end_others.end_api_keys.told() if keys_ended else {}
            await self.outbox.add(connection, email_confirmed(now, foreseen, self.domain, besides))
        return _Confirmed(user.uid, user.otp, keys_ended)

    async def _verified(self, uid: str) -> dict[str, Any]:
        """What the user has attached, once the label made him active, or none until it does."""
        try:
            labels = await self.resource.put_private_label(uid, "email", "verified")
            return await self.resource.attachments(await self.apply_labels(labels))
        except Unavailable:
            log.warning("label_left_to_event", uid=uid, key="email")
            return dict(NO_ATTACHMENTS)


def _same_address(user: User, email: str) -> bool:
    return user.email.lower() == email.lower()
