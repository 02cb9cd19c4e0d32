"""Mails as mailer.yaml describes them, their content, and the relay that carries them."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Protocol
from urllib.parse import urlencode

from shared.contracts.events import ReceivedEvent

Scalar = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Condition:
    """One of `values` stands at `path`, which begins with `record` or `changes`.

    None stands for a key that is missing, too.
    """

    path: tuple[str, ...]
    values: tuple[Scalar, ...]

    def holds(self, parts: Mapping[str, Any]) -> bool:
        """Whether it holds for an event's `record` and `changes`."""
        value: Any = parts
        for key in self.path:
            value = value.get(key) if isinstance(value, Mapping) else None
        # True is no 1, as it would be in Python.
        return any(type(value) is type(wanted) and value == wanted for wanted in self.values)


@dataclass(frozen=True, slots=True)
class Limit:
    """The mails of one kind that one user gets in any `hours`."""

    mails: int
    hours: int


DEFAULT_LIMIT = Limit(10, 1)


@dataclass(frozen=True, slots=True)
class Mail:
    """A kind of mail, and the events that become such a mail.

    `when` has alternatives, of each of which all conditions hold; empty is always. `page` is the
    page of the front end that the mail links to. A mail that carries a token has it in the link's
    query, under `parameter`. `languages` are those of its templates that are used; empty is all.
    """

    name: str
    events: tuple[str, ...]
    template: str
    page: str = "/"
    parameter: str = ""
    when: tuple[tuple[Condition, ...], ...] = ()
    languages: tuple[str, ...] = ()
    limit: Limit = DEFAULT_LIMIT

    def applies(self, event: ReceivedEvent) -> bool:
        """Whether the event becomes this mail."""
        if event.name not in self.events:
            return False
        parts = {"record": event.record, "changes": event.changes}
        return not self.when or any(
            all(condition.holds(parts) for condition in conditions) for conditions in self.when
        )

    def link(self, domain: str, token: str, language: str) -> str:
        """The URL of the page, with the token and the language.

        A domain without a scheme gets https.
        """
        origin = domain.rstrip("/") if "://" in domain else f"https://{domain.rstrip('/')}"
        parameters = {self.parameter: token} if self.parameter else {}
        query = urlencode({**parameters, "lang": language})
        return f"{origin}{self.page}?{query}"


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a mail."""

    subject: str
    text: str
    html: str


class RecipientRefusedError(Exception):
    """No mail will ever reach this address."""


class MailRelay(Protocol):
    """Carries mails to other mail servers."""

    async def send(self, message: EmailMessage, recipient: str) -> None:
        """Returns once the relay answers for the mail.

        Raises `Unavailable` while no relay can be reached, `RecipientRefusedError` when no later
        attempt can help, and anything else when a later attempt may help, once its cause is
        mended. None of them contains the recipient's address.
        """
        ...
