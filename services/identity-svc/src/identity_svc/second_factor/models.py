"""Second factors, and what is wrong with one or with a code of it."""

import uuid
from dataclasses import dataclass, field

from shared.errors import Invalid


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor as it is stored."""

    sealed: bytes = field(repr=False)
    enabled: bool


@dataclass(frozen=True, slots=True)
class SetUp:
    """How a secret came about: the session in which it was made, if known, and its age."""

    sid: uuid.UUID | None
    seconds: float


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A new secret, and the address of its QR code; they are shown only once."""

    secret: str = field(repr=False)
    url: str = field(repr=False)


class AlreadyEnabled(Invalid):
    """The second factor is on."""

    codes = ("otp.already_enabled",)


class NotEnabled(Invalid):
    """The second factor is off."""

    codes = ("otp.not_enabled",)


class NothingToRecover(Invalid):
    """The user has neither a second factor nor a passkey that they could lose."""

    codes = ("resource.otp.not_enabled",)


class WrongCode(Invalid):
    """The code is not one of this moment."""

    codes = ("otp.invalid",)
