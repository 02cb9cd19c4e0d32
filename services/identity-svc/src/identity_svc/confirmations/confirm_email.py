"""Confirms an address with the token that was sent to it, and opens a session."""

from dataclasses import dataclass
from typing import Any

import structlog

from identity_svc.confirmations import store
from identity_svc.confirmations.errors import ActiveOrDoesntExist
from identity_svc.confirmations.events import email_confirmed
from identity_svc.mail_tokens.tokens import CONFIRMATION, MailTokens
from identity_svc.sessions.open_session import OpenedSession, OpenSession
from identity_svc.standing.apply_labels import ApplyLabels
from identity_svc.standing.rules import MAY_LOG_IN
from identity_svc.users.rows import lock_user_by_uid
from shared.clients.resource import ResourceClient
from shared.contracts.activities import Client
from shared.contracts.users import NO_ATTACHMENTS, User
from shared.database.pool import Database
from shared.errors import Unavailable
from shared.messaging.outbox import Outbox
from shared.policy.standing import PENDING

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ConfirmEmail:
    """A token confirms its own, still pending account, once.

    What makes the account active is the label `email:verified`, which resource-svc writes on the
    event; it is asked for at once as well, so that the answer shows it.
    """

    database: Database
    outbox: Outbox
    tokens: MailTokens
    resource: ResourceClient
    apply_labels: ApplyLabels
    open_session: OpenSession
    domain: str

    async def __call__(self, token: str, client: Client) -> tuple[OpenedSession, dict[str, Any]]:
        """The session and the user's attachments; raises `BadMailToken`, `ActiveOrDoesntExist`."""
        uid = await self._confirm(token)
        attachments = await self._verified(uid)
        async with self.database.transaction() as connection:
            user = await lock_user_by_uid(connection, uid)
            if user is None or user.state not in MAY_LOG_IN:  # he was shut out meanwhile
                raise ActiveOrDoesntExist
            return await self.open_session(connection, user, client), attachments

    async def _confirm(self, token: str) -> str:
        read = self.tokens.read(token, CONFIRMATION)
        async with self.database.transaction() as connection:
            user = await lock_user_by_uid(connection, read.uid)
            if user is None or user.state != PENDING or not _same_address(user, read.email):
                raise ActiveOrDoesntExist
            if not await self.tokens.use(connection, read):
                raise ActiveOrDoesntExist
            await store.note_email_confirmed(connection, user.uid)
            confirmed = await self.apply_labels.foresee(connection, user.uid, "email", "verified")
            await self.outbox.add(connection, email_confirmed(user, confirmed, self.domain))
        return user.uid

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
