"""Documents that were fetched, and why others cannot be used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oauth_svc.protocol.errors import INVALID_CLIENT, DirectError

METADATA_DOCUMENT = "metadata document"


class DocumentRefused(DirectError):
    """The document at a client's URL cannot be used; the description tells why."""

    def __init__(self, why: str, what: str = METADATA_DOCUMENT) -> None:
        super().__init__(INVALID_CLIENT, f"The client's {what} {why}.")
        self.why = why


class DocumentUnreachable(DocumentRefused):
    """The document cannot be fetched at present; a later attempt may succeed."""


class TooManyFetches(DocumentUnreachable):
    """The document was not fetched: too many are being fetched."""

    def __init__(self, what: str) -> None:
        super().__init__("cannot be fetched now, because too many are", what)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document, and for how many seconds it is valid."""

    document: Mapping[str, Any]
    seconds: int
