"""What a user allowed a client."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.errors import NotFound


class ConsentNotFound(NotFound):
    """The user has allowed this client nothing."""

    codes = ("resource.consent.doesnt_exist",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The scopes that a user allows a client. The name is the client's current one."""

    uid: str
    client_id: str
    reference: str
    client_name: str
    scopes: Sequence[str]
    created_at: datetime
    updated_at: datetime
