"""The events that mailer-svc receives, and its reactions."""

from collections.abc import Mapping

from mailer_svc.mail.use_cases import Mails
from shared.contracts.topology import MAILER
from shared.messaging.inbox import Reaction


def reactions(mails: Mails) -> Mapping[str, Reaction]:
    """The reactions by event: mailer.yaml decides which of them become mails."""
    return dict.fromkeys(MAILER.events, mails.send)
