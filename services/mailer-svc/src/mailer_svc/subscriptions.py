"""What mailer-svc does on which event."""

from collections.abc import Mapping
from functools import partial

from mailer_svc.mail.kinds import CODES_GUESSED, CONFIRMATION, PASSWORD_RESET
from mailer_svc.mail.send import SendMail
from shared.messaging.inbox import Reaction


def reactions(send: SendMail) -> Mapping[str, Reaction]:
    """The reactions by event."""
    return {
        "system.user.email.confirmation.token": partial(send, CONFIRMATION),
        "system.user.password.reset.token": partial(send, PASSWORD_RESET),
        "system.user.otp.guessed": partial(send, CODES_GUESSED),
    }
