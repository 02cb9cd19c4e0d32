"""Sending mails."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address

import structlog
from prometheus_client import Counter

from mailer_svc.core import Core
from mailer_svc.mail.message import compose
from mailer_svc.mail.models import Kind, MailRelay, RecipientRefusedError
from mailer_svc.mail.rendering import Templates, chosen_language, load_templates
from mailer_svc.mail.smtp import SmtpRelay
from shared.contracts.events import ReceivedEvent
from shared.errors import Unavailable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Mails:
    """Sends mails at least once: a crash before an event is acknowledged sends its mail again.

    An inbox could not prevent that, since mails take part in no transaction. A repeated mail has
    the same Message-ID, by which mail servers and programs find duplicates.
    """

    templates: Templates
    relay: MailRelay
    sender: Address
    app_name: str
    mails: Counter
    now: Callable[[], datetime]

    async def send(self, kind: Kind, event: ReceivedEvent) -> None:
        """The reaction to an event that asks for a mail; raises as `MailRelay.send` does.

        A recipient who is refused for good ends the event, since a retry cannot mend an address.
        Faults that the operator can mend are raised: the event is retried, and ends as a dead
        letter.
        """
        outcome = "failed"
        try:
            await self._send(kind, event)
            outcome = "sent"
        except RecipientRefusedError as refusal:
            outcome = "refused"
            uid = event.record["user"]["uid"]
            log.warning("recipient_refused", mail=kind.name, uid=uid, reason=str(refusal))
        except Unavailable:
            outcome = "waiting"
            raise
        finally:
            self.mails.labels(kind.name, outcome).inc()

    async def _send(self, kind: Kind, event: ReceivedEvent) -> None:
        record, user = event.record, event.record["user"]
        language = self.templates.language(chosen_language(event.snapshot.get("data")))
        token = record["token"] if kind.parameter else ""
        values = {
            "link": kind.link(record["domain"], token, language),
            "token": token,
            "domain": record["domain"],
            "app_name": self.app_name,
            "email": user["email"],
            "uid": user["uid"],
            "user_ip": record.get("user_ip", ""),
        }
        message = compose(
            self.templates.render(kind, language, values),
            sender=self.sender,
            recipient=user["email"],
            event_id=str(event.id),
            now=self.now(),
        )
        await self.relay.send(message, user["email"])
        log.info("mail_sent", mail=kind.name, language=language, uid=user["uid"])


def build(core: Core) -> Mails:
    """Wires the feature; raises `SettingsError` for templates of which no mail can be made."""
    settings = core.settings
    return Mails(
        templates=load_templates(settings.templates_dir, settings.default_language),
        relay=SmtpRelay(
            host=settings.smtp_host,
            port=settings.smtp_port,
            user=settings.smtp_user,
            password=settings.smtp_password,
            tls=settings.smtp_tls,
            sender=settings.sender_email,
        ),
        sender=Address(settings.sender_name, addr_spec=settings.sender_email),
        app_name=settings.app_name,
        mails=Counter(
            "mails", "Mails by what became of them.", ("mail", "outcome"), registry=core.registry
        ),
        now=lambda: datetime.now(UTC),
    )
