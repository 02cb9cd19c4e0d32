"""Trusted devices, and the cookie that identifies one."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from shared.errors import NotFound

COOKIE = "_barong_trusted_device"

MAX_DEVICES = 20
"""The trusted devices of a user; one more replaces the one that was unused for longest."""


class DeviceNotFound(NotFound):
    """The user has no such trusted device."""

    codes = ("resource.trusted_device.doesnt_exist",)


@dataclass(frozen=True, slots=True)
class NewDevice:
    """What the browser of a new trusted device stores, for `seconds`."""

    cookie: str = field(repr=False)
    seconds: int


@dataclass(frozen=True, slots=True)
class TrustedDevice:
    """A trusted device as its user sees it."""

    id: uuid.UUID
    address: str
    user_agent: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime
