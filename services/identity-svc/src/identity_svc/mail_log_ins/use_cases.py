"""Mails links and codes for a log-in, and checks what comes back."""

import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from identity_svc.activities.models import LOG_IN_BY_MAIL, REQUEST_LOG_IN_MAIL
from identity_svc.activities.use_cases import Activities
from identity_svc.browsers.models import AskingBrowser, browser_of, digest
from identity_svc.confirmations.use_cases import Confirmations
from identity_svc.core import Core
from identity_svc.mail_log_ins import store
from identity_svc.mail_log_ins.events import mail_log_in_token
from identity_svc.mail_log_ins.models import (
    InvalidMailLogIn,
    MailedSecrets,
    MailLogIn,
    MailLogInOff,
    MissingCode,
)
from identity_svc.mail_tokens.even_time import REQUEST_SECONDS, lasting
from identity_svc.mail_tokens.models import LOG_IN, ReadToken
from identity_svc.mail_tokens.use_cases import MailTokens
from identity_svc.throttling.use_cases import Throttle
from identity_svc.users.use_cases import Users
from shared.contracts.activities import Client
from shared.contracts.users import MAY_ACT, User
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox
from shared.policy.account_status import PENDING


@dataclass(frozen=True, slots=True)
class MailLogIns:
    """A mailed link works in the browser that asked for it, and elsewhere only with the code.

    With 0 `seconds`, log-ins by mail are off.
    """

    database: Database
    outbox: Outbox
    users: Users
    confirmations: Confirmations
    mail_tokens: MailTokens
    throttle: Throttle
    activities: Activities
    domain: str
    seconds: int

    def require_on(self) -> None:
        """Raises `MailLogInOff` where the setting is off."""
        if not self.seconds:
            raise MailLogInOff

    async def request(self, email: str, cookies: Sequence[str], client: Client) -> AskingBrowser:
        """Sends a link and a code, where the account may log in and had few mails recently.

        An account whose address is not confirmed gets the mail that confirms it instead. Takes the
        same time, and stores as much, whether or not there is such an account. `cookies` are those
        that the browser got before. Raises `MailLogInOff` or `Throttled`.
        """
        self.require_on()
        async with lasting(REQUEST_SECONDS):
            await self.throttle.attempt("mail-login", email, client)
            browser, mailed = browser_of(cookies), MailedSecrets.make()
            async with self.database.transaction() as connection:
                user = await self._recipient(connection, email)
                mail = MailLogIn(uuid.uuid4(), None, mailed.digests(browser))
                if user is not None:
                    token = await self.mail_tokens.note(connection, user, LOG_IN, self.seconds)
                    mail = replace(mail, id=token.jti, uid=user.uid)
                await store.insert(connection, mail, self.seconds)
                if user is not None:
                    event = mail_log_in_token(user, self.domain, mailed, client)
                    await self.outbox.add(connection, event)
                    await self.activities.record_success(
                        connection, user.uid, client, REQUEST_LOG_IN_MAIL
                    )
        return AskingBrowser(browser, self.seconds)

    async def check(
        self, token: str, code: str, cookies: Sequence[str], client: Client
    ) -> tuple[MailLogIn, str]:
        """The mail that somebody shows, and the uid of its user; `use` has to follow.

        `cookies` are those that the browser got when it asked. Attempts at codes are counted before
        the code is looked at. Raises `MailLogInOff`, `MissingCode` or `InvalidMailLogIn`.
        """
        self.require_on()
        if token:
            mail = await self._check_link(token, code, cookies, client)
        elif code:
            mail = await self._check_code(code, cookies, client)
        else:
            raise MissingCode
        if mail.uid is None:  # nobody can know a code that was never sent
            raise InvalidMailLogIn
        return mail, mail.uid

    async def use(self, connection: Connection, user: User, mail: MailLogIn) -> None:
        """Uses up all mails of a locked user, in the transaction of the log-in.

        Raises `InvalidMailLogIn` where this one was used or revoked meanwhile, or the user's
        address is not confirmed any more.
        """
        token = ReadToken(mail.id, LOG_IN, user.uid, user.email)
        if user.state == PENDING or not await self.mail_tokens.use(connection, token):
            raise InvalidMailLogIn
        await store.delete_of_user(connection, user.uid)

    async def delete_expired(self, connection: Connection) -> None:
        """Deletes mails that are too old to work."""
        await store.delete_expired(connection)

    async def _recipient(self, connection: Connection, email: str) -> User | None:
        user = await self.users.find_and_lock_by_email(connection, email)
        if user is None or user.state not in MAY_ACT:
            return None
        if user.state == PENDING:
            await self.confirmations.request_within(connection, user)
            return None
        return user if await self.mail_tokens.quota.take(connection, user, LOG_IN) else None

    async def _check_link(
        self, token: str, code: str, cookies: Sequence[str], client: Client
    ) -> MailLogIn:
        async with self.database.connection() as connection:
            mail = await store.find_by_link(connection, digest(token))
        async with self.activities.record_refusals(
            mail.uid if mail else None, client, LOG_IN_BY_MAIL
        ):
            if mail is None:
                raise InvalidMailLogIn
            if any(hmac.compare_digest(digest(each), mail.digests.browser) for each in cookies):
                return mail
            if not code:
                raise MissingCode
            async with self.database.connection() as connection:
                counted = await store.count_try(connection, mail.id)
                right = hmac.compare_digest(digest(token, code), mail.digests.code_with_link)
                if not counted or not right:
                    raise InvalidMailLogIn
                await store.forgive_try(connection, mail.id)
        return mail

    async def _check_code(self, code: str, cookies: Sequence[str], client: Client) -> MailLogIn:
        browsers = [digest(each) for each in cookies]
        async with self.database.connection() as connection:
            mails = await store.count_try_in_browser(connection, browsers)
            codes = [digest(each, code) for each in cookies]
            for mail in mails:
                if any(hmac.compare_digest(each, mail.digests.code_in_browser) for each in codes):
                    await store.forgive_try(connection, mail.id)
                    return mail
        newest = next((mail.uid for mail in mails), None)
        async with self.activities.record_refusals(newest, client, LOG_IN_BY_MAIL):
            raise InvalidMailLogIn


def build(
    core: Core,
    users: Users,
    confirmations: Confirmations,
    mail_tokens: MailTokens,
    throttle: Throttle,
    activities: Activities,
) -> MailLogIns:
    """The log-ins by mail of this installation, if there are any."""
    return MailLogIns(
        core.database,
        core.outbox,
        users,
        confirmations,
        mail_tokens,
        throttle,
        activities,
        core.settings.domain,
        core.settings.mail_log_in_minutes * 60,
    )
