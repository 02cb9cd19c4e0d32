"""Sending the mail that an event asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address

import structlog
from prometheus_client import Counter

from mailer_svc.mail.kinds import Kind
from mailer_svc.mail.message import compose
from mailer_svc.mail.relay import MailRelay, RecipientRefusedError
from mailer_svc.mail.rendering import Templates, chosen_language
from shared.contracts.events import ReceivedEvent
from shared.errors import Unavailable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SendMail:
    """Sends a mail at least once: a death between sending and acknowledging sends it again.

    No inbox could change that, for mails take part in no transaction. What is sent again has the
    same Message-ID, by which mail servers and programs know duplicates.
    """

    templates: Templates
    relay: MailRelay
    sender: Address
    app_name: str
    mails: Counter
    now: Callable[[], datetime]

    async def __call__(self, kind: Kind, event: ReceivedEvent) -> None:
        """Sends the mail, or knows that it can reach nobody; raises as `MailRelay.send` does.

        A recipient who is refused for good ends the event: playing it again cannot mend an
        address. What the operator can mend is raised, is tried again and ends in the dead letters.
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
