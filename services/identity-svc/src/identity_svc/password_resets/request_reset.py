"""Sends a token with which a forgotten password can be replaced."""

from dataclasses import dataclass

from identity_svc.activities.deeds import REQUEST_RESET
from identity_svc.activities.record import RecordActivities
from identity_svc.mail_tokens.even_time import REQUEST_SECONDS, lasting
from identity_svc.mail_tokens.quota import MailQuota
from identity_svc.mail_tokens.tokens import RESET, MailTokens
from identity_svc.password_resets.events import reset_token
from identity_svc.standing.rules import MAY_LOG_IN
from identity_svc.throttling.use_cases import Throttle
from identity_svc.users.rows import lock_user_by_email
from shared.contracts.activities import Client
from shared.database.pool import Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class RequestReset:
    """Answers alike, and as late, whether or not there is such an account.

    Who may not log in gets no token: a password would not help them. Who has enough mails of the
    last minutes gets no other; the tokens in them work.
    """

    database: Database
    outbox: Outbox
    throttle: Throttle
    tokens: MailTokens
    quota: MailQuota
    record: RecordActivities
    domain: str

    async def __call__(self, email: str, client: Client) -> None:
        """Raises `Throttled`."""
        async with lasting(REQUEST_SECONDS):
            await self.throttle.attempt("reset", email, client)
            async with self.database.transaction() as connection:
                user = await lock_user_by_email(connection, email)
                if user is None or user.state not in MAY_LOG_IN:
                    return
                if not await self.quota.take(connection, user, RESET):
                    return
                token = await self.tokens.issue(connection, user, RESET)
                await self.outbox.add(connection, reset_token(user, self.domain, token))
                await self.record.success(connection, user.uid, client, REQUEST_RESET)
