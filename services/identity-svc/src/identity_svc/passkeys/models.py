"""Passkeys, the options for authenticators, and what is wrong with an answer.

Faults of an answer are 422: a 401 makes front ends forget the session that there may be.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from shared.errors import Invalid, NotFound

MAX_PASSKEYS = 20
"""The passkeys that a user may have."""

MAX_NAME = 64
MAX_CREDENTIAL = 16_384
"""The longest answer of an authenticator, as JSON; attestations of TPMs have about 6,000."""

MAX_PUBLIC_KEY = 600
"""The longest public key, in bytes: an RSA key of 4096 bits. A longer one costs us time."""

CHALLENGE_SECONDS = 300
"""How long a challenge may be answered: what browsers allow at most."""

Purpose = Literal["log-in", "add", "verify"]
"""What a challenge is for; an answer to another one does not count."""


class InvalidCredential(Invalid):
    """What the authenticator answered cannot be read, or its signature is wrong."""

    codes = ("passkey.invalid",)


class InvalidChallenge(Invalid):
    """The challenge is not one of ours for this purpose, was answered already, or is too old."""

    codes = ("passkey.invalid_challenge",)


class InvalidOrigin(Invalid):
    """The browser was at a page that is not one of ours."""

    codes = ("passkey.invalid_origin",)


class UserNotVerified(Invalid):
    """The authenticator did not verify its user."""

    codes = ("passkey.user_not_verified",)


class UnknownPasskey(Invalid):
    """Nobody has this passkey, or not any more."""

    codes = ("passkey.unknown",)


class PasskeyOfAnother(Invalid):
    """The passkey belongs to another user than the answer or the session says."""

    codes = ("passkey.of_another_user",)


class ClonedAuthenticator(Invalid):
    """The authenticator's counter did not grow: there may be a copy of its key."""

    codes = ("passkey.cloned",)


class PasskeyTaken(Invalid):
    """This passkey was added already."""

    codes = ("resource.passkey.exists",)


class TooManyPasskeys(Invalid):
    """The user has `MAX_PASSKEYS`."""

    codes = ("resource.passkey.too_many",)


class PasskeyNotFound(NotFound):
    """The user has no such passkey."""

    codes = ("resource.passkey.doesnt_exist",)


ANSWER_FAULTS: tuple[type[Invalid], ...] = (
    ClonedAuthenticator,
    InvalidChallenge,
    InvalidCredential,
    InvalidOrigin,
    PasskeyOfAnother,
    UnknownPasskey,
    UserNotVerified,
)
"""What may be wrong with an authenticator's answer when a passkey is used."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks: the domain to which passkeys are bound, and the origins whose pages may ask."""

    id: str
    name: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Challenge:
    """A challenge that was answered: for whom it was, and in which session."""

    value: bytes = field(repr=False)
    uid: str | None
    sid: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasskey:
    """A passkey as it is added."""

    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    aaguid: uuid.UUID
    transports: tuple[str, ...]
    backup_eligible: bool
    backed_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey(NewPasskey):
    """A passkey as it is stored."""

    id: uuid.UUID
    uid: str
    name: str
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class UsedPasskey:
    """A passkey whose authenticator signed a challenge, and the data that it signed."""

    passkey: Passkey
    sign_count: int
    backed_up: bool
