"""Limits attempts at codes, and warns the owner of an account whose codes are guessed at."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from identity_svc.mail_tokens.quota import CODES_GUESSED, MailQuota
from identity_svc.second_factor.errors import WrongCode
from identity_svc.second_factor.events import codes_guessed
from identity_svc.throttling.models import PER_ACCOUNT
from identity_svc.throttling.use_cases import Throttle
from identity_svc.users.rows import lock_user_by_uid
from shared.contracts.activities import Client
from shared.database.pool import Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class LimitCodes:
    """Per account, for who has the password (`login-otp`) or a session (`otp`).

    Once the free attempts are used up, each wrong code is a reason to tell the owner, who is told
    once an hour at most. A right code makes all attempts forgotten.
    """

    database: Database
    outbox: Outbox
    throttle: Throttle
    quota: MailQuota
    domain: str

    @asynccontextmanager
    async def __call__(
        self, purpose: Literal["login-otp", "otp"], uid: str, client: Client
    ) -> AsyncIterator[None]:
        """The block checks a code, and raises `WrongCode` for a wrong one; raises `Throttled`."""
        attempts = await self.throttle.attempt_code(purpose, uid)
        try:
            yield
        except WrongCode:
            if attempts >= PER_ACCOUNT.free:
                await self._warn(uid, client)
            raise
        await self.throttle.code_succeeded(purpose, uid)

    async def _warn(self, uid: str, client: Client) -> None:
        async with self.database.transaction() as connection:
            user = await lock_user_by_uid(connection, uid)
            if user is not None and await self.quota.take(connection, user, CODES_GUESSED):
                await self.outbox.add(connection, codes_guessed(user, self.domain, client))
