"""Linked accounts, and why one is not added."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from shared.errors import Invalid, NotFound

MAX_LINKED = 20
"""The accounts at other providers that a user may have linked."""


class LinkedAccountNotFound(NotFound):
    """The user has no such linked account."""

    codes = ("resource.linked_account.doesnt_exist",)


class LinkedAccountTaken(Invalid):
    """The account at the provider is linked already: to this user, or to another one."""

    codes = ("resource.linked_account.taken",)


class TooManyLinkedAccounts(Invalid):
    """The user has `MAX_LINKED`."""

    codes = ("resource.linked_account.too_many",)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedAccount:
    """An account at a provider. `email` is what the provider said when it was linked."""

    id: uuid.UUID
    uid: str
    issuer: str
    subject: str
    email: str | None
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A linked account with its provider's name and label, as the configuration has them.

    If the provider is no longer configured, the name is None, and the label is the issuer.
    """

    account: LinkedAccount
    provider: str | None
    label: str
