"""Sends another confirmation mail to who has not confirmed yet."""

from dataclasses import dataclass

from identity_svc.confirmations.events import confirmation_token
from identity_svc.mail_tokens.even_time import REQUEST_SECONDS, lasting
from identity_svc.mail_tokens.quota import MailQuota
from identity_svc.mail_tokens.tokens import CONFIRMATION, MailTokens
from identity_svc.throttling.use_cases import Throttle
from identity_svc.users.rows import lock_user_by_email
from shared.contracts.activities import Client
from shared.database.pool import Database
from shared.messaging.outbox import Outbox
from shared.policy.standing import PENDING


@dataclass(frozen=True, slots=True)
class RequestConfirmation:
    """Answers alike, and as late, whether or not there is such an account."""

    database: Database
    outbox: Outbox
    tokens: MailTokens
    quota: MailQuota
    throttle: Throttle
    domain: str

    async def __call__(self, email: str, client: Client) -> None:
        """Raises `Throttled`, for unknown addresses too."""
        async with lasting(REQUEST_SECONDS):
            await self.throttle.attempt("confirmation", email, client)
            async with self.database.transaction() as connection:
                user = await lock_user_by_email(connection, email)
                if user is None or user.state != PENDING:
                    return
                if not await self.quota.take(connection, user, CONFIRMATION):
                    return
                token = await self.tokens.issue(connection, user, CONFIRMATION)
                await self.outbox.add(connection, confirmation_token(user, self.domain, token))
