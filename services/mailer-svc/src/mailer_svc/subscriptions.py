"""The events that mailer-svc receives, and its reactions."""

from collections.abc import Mapping
from functools import partial

from mailer_svc.mail.models import CODES_GUESSED, CONFIRMATION, PASSWORD_RESET
from mailer_svc.mail.use_cases import Mails
from shared.messaging.inbox import Reaction


def reactions(mails: Mails) -> Mapping[str, Reaction]:
    """The reactions by event."""
    return {
        "system.user.email.confirmation.token": partial(mails.send, CONFIRMATION),
        "system.user.password.reset.token": partial(mails.send, PASSWORD_RESET),
        "system.user.otp.guessed": partial(mails.send, CODES_GUESSED),
    }
