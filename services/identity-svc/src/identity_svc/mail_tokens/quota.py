"""How many mails one address gets, whoever asks for them."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter

from identity_svc.mail_tokens import store
from identity_svc.mail_tokens.tokens import CONFIRMATION, RESET
from shared.contracts.users import User
from shared.database.pool import Connection

CODES_GUESSED = "codes_guessed"
"""The warning that somebody who has the password guesses at codes."""

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

LIMITS: Mapping[str, tuple[tuple[int, int], ...]] = {
    CONFIRMATION: ((1, _MINUTE), (5, _HOUR)),
    RESET: ((1, _MINUTE), (5, _HOUR)),
    CODES_GUESSED: ((1, _HOUR), (3, _DAY)),
}
"""By kind of mail: how many in how many seconds."""


class MailQuota:
    """Counted per account, in the transaction that asks for the mail; what is beyond is not sent.

    Who asks is not told: the owner has the mails that were sent, a stranger learns nothing.
    """

    def __init__(self, registry: CollectorRegistry, *, enabled: bool) -> None:
        self._enabled = enabled
        self._withheld = Counter(
            "mails_withheld",
            "Mails that were asked for and not sent, for their address had enough of them.",
            ("kind",),
            registry=registry,
        )
        for kind in LIMITS:
            self._withheld.labels(kind)

    async def take(self, connection: Connection, user: User, kind: str) -> bool:
        """Whether a mail of this kind may go to a locked user, and is counted."""
        if not self._enabled or await store.note_mail(connection, user.uid, kind, LIMITS[kind]):
            return True
        self._withheld.labels(kind).inc()
        return False
