"""Sending mails, each once."""

import asyncio
import hmac
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

import structlog
from prometheus_client import Counter

from mailer_svc.core import Core
from mailer_svc.mail import store
from mailer_svc.mail.configuration import read_mails
from mailer_svc.mail.message import compose
from mailer_svc.mail.models import Mail, MailRelay, RecipientRefusedError
from mailer_svc.mail.rendering import (
    Templates,
    address_of,
    chosen_language,
    load_templates,
    recipient_of,
    values_of,
)
from mailer_svc.mail.samples import samples
from mailer_svc.mail.smtp import SmtpRelay
from mailer_svc.settings import MailerSettings
from shared.contracts.events import ReceivedEvent
from shared.database.pool import Database
from shared.errors import Unavailable

log = structlog.get_logger()

_HOUSEKEEPING_SECONDS = 600
_MOST_UNRECORDED = 1000


@dataclass(frozen=True, slots=True)
class Composer:
    """Makes mails of events."""

    templates: Templates
    sender: Address
    app_name: str
    domain: str

    def compose(
        self, mail: Mail, event: ReceivedEvent, language: str, now: datetime
    ) -> EmailMessage:
        """The mail in an available language; raises `RecipientRefusedError`."""
        values = values_of(mail, event, language, app_name=self.app_name, domain=self.domain)
        return compose(
            self.templates.render(mail, language, values),
            sender=self.sender,
            recipient=address_of(event),
            message_id=f"{event.id}.{mail.name}",
            now=now,
        )


@dataclass(frozen=True, slots=True)
class Mails:
    """Sends each mail of an event once, however often the event comes.

    The outcome of a mail is committed in the transaction that sends it. A process that dies after
    the relay took the mail and before the commit leaves no row: the mail is sent again, with the
    same Message-ID, by which mail servers and programs find duplicates. Without the database no
    mail is sent.
    """

    database: Database
    mails: Sequence[Mail]
    composer: Composer
    relay: MailRelay
    digest_key: bytes
    counter: Counter
    shutdown_seconds: float
    now: Callable[[], datetime]
    unrecorded: dict[tuple[uuid.UUID, str], str] = field(default_factory=dict)
    """Outcomes of mails whose commit failed: these mails are not sent again."""

    async def send(self, event: ReceivedEvent) -> None:
        """The reaction to an event; raises as `MailRelay.send` does.

        A recipient who is refused for good ends the event, since a retry cannot mend an address.
        Faults that the operator can mend are raised: the event is retried, and ends as a dead
        letter. A process that is told to stop finishes the mail first.
        """
        for mail in self.mails:
            if mail.applies(event):
                await finished(self._send_counted(mail, event), self.shutdown_seconds)

    async def _send_counted(self, mail: Mail, event: ReceivedEvent) -> None:
        outcome = "failed"
        try:
            outcome = await self._send_once(mail, event)
        except Unavailable:
            outcome = "waiting"
            raise
        finally:
            self.counter.labels(mail.name, outcome).inc()

    async def _send_once(self, mail: Mail, event: ReceivedEvent) -> str:
        key = (event.id, mail.name)
        recipient = self._digest(mail, event)
        async with self.database.transaction() as connection:
            if not await store.claim(connection, event.id, mail.name, recipient):
                self.unrecorded.pop(key, None)
                return "repeated"
            state = self.unrecorded.get(key)
            if state is None:
                sent = await store.number_sent(connection, recipient, mail.limit.hours)
                within = sent < mail.limit.mails
                state = await self._deliver(mail, event) if within else "limited"
                if len(self.unrecorded) < _MOST_UNRECORDED:
                    self.unrecorded[key] = state
            await store.finish(connection, event.id, mail.name, state)
        self.unrecorded.pop(key, None)
        if state == "limited":
            uid = recipient_of(event)["uid"]
            log.warning("mail_limited", mail=mail.name, uid=uid, limit=mail.limit.mails)
        return state

    async def _deliver(self, mail: Mail, event: ReceivedEvent) -> str:
        user = recipient_of(event)
        language = self.composer.templates.language(mail, chosen_language(event))
        try:
            message = self.composer.compose(mail, event, language, self.now())
            await self.relay.send(message, address_of(event))
        except RecipientRefusedError as refusal:
            log.warning("recipient_refused", mail=mail.name, uid=user["uid"], reason=str(refusal))
            return "refused"
        log.info("mail_sent", mail=mail.name, language=language, uid=user["uid"])
        return "sent"

    def _digest(self, mail: Mail, event: ReceivedEvent) -> bytes:
        """What a user's mails of one kind are counted by: it names nobody without the key."""
        uid = str(recipient_of(event)["uid"])
        return hmac.digest(self.digest_key, f"{mail.name}:{uid}".encode(), "sha256")[:16]

    async def run_housekeeping(self) -> None:
        """Deletes what is no longer needed, now and every ten minutes; raises `Unavailable`."""
        while True:
            async with self.database.transaction() as connection:
                await store.forget_recipients(connection)
                await store.prune(connection)
            await asyncio.sleep(_HOUSEKEEPING_SECONDS)


async def finished(work: Coroutine[Any, Any, None], seconds: float) -> None:
    """Does the work to its end, for at most `seconds` after this task is cancelled."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        # Whoever cancels may do so again and again: each time only the rest of the time is left.
        deadline = asyncio.get_running_loop().time() + seconds
        while not task.done() and (rest := deadline - asyncio.get_running_loop().time()) > 0:
            try:
                await asyncio.wait([task], timeout=rest)
            except asyncio.CancelledError:
                continue
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("mail_interrupted", error=type(error).__name__)
        raise


def build(core: Core) -> Mails:
    """Wires the feature; raises `SettingsError` for mails that cannot be made."""
    settings = core.settings
    mails, composer = build_composer(settings)
    _, key = settings.service_keys.primary
    return Mails(
        database=core.database,
        mails=mails,
        composer=composer,
        relay=SmtpRelay(
            host=settings.smtp_host,
            port=settings.smtp_port,
            user=settings.smtp_user,
            password=settings.smtp_password,
            tls=settings.smtp_tls,
            sender=settings.sender_email,
        ),
        digest_key=hmac.digest(key, b"mails", "sha256"),
        counter=Counter(
            "mails", "Mails by what became of them.", ("mail", "outcome"), registry=core.registry
        ),
        shutdown_seconds=settings.shutdown_seconds,
        now=lambda: datetime.now(UTC),
    )


def build_composer(settings: MailerSettings) -> tuple[Sequence[Mail], Composer]:
    """The mails of mailer.yaml, and what makes them; raises `SettingsError`.

    Faults of templates are found with sample events, before anything is sent.
    """
    mails = read_mails(settings.mails_path)

    def values(mail: Mail, language: str) -> Iterator[Mapping[str, Any]]:
        for sample in samples(mail):
            yield values_of(
                mail, sample, language, app_name=settings.app_name, domain=settings.domain
            )

    templates = load_templates(settings.templates_dir, mails, settings.default_language, values)
    sender = Address(settings.sender_name, addr_spec=settings.sender_email)
    return mails, Composer(templates, sender, settings.app_name, settings.domain)
