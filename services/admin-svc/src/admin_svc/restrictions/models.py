"""What a restriction may contain, and its one spelling."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from admin_svc.policy.models import StoredRule
from shared.contracts.policy import WHITELIST, Restriction
from shared.errors import Invalid, NotFound
from shared.values.addresses import Address

ENABLED = "enabled"
STATES = (ENABLED, "disabled")
MAX_VALUE = 64
# A status that is no error would let the call pass where a proxy asks for decisions.
MIN_CODE, MAX_CODE = 400, 599

_MAINTENANCE_CODE = 471
_CODES = {"all": 401, "ip": 401, "ip_subnet": 403, "continent": 423, "country": 423}
_PREFIX_LENGTH = re.compile(r"[0-9]{1,3}")
_PLACE = re.compile(r"[^\W\d_](?:[^\W\d_]|[ .,'\u2019()&-])+")
_MAPPED = IPv6Network("::ffff:0:0/96")  # RFC 4291, 2.5.5.2


class RestrictionNotFound(NotFound):
    """There is no restriction with this id."""

    codes = ("admin.restriction.doesnt_exist",)


class InvalidValue(Invalid):
    """The value is not one of this scope."""

    codes = ("value.invalid",)


class LocksOutActor(Invalid):
    """The change would keep out its actor, whose address no whitelist has."""

    codes = ("admin.restriction.locks_out_yourself",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The content of a restriction; `terms` makes it in the form in which it is stored."""

    category: str
    scope: str
    value: str
    state: str
    code: int


StoredRestriction: TypeAlias = StoredRule[Terms]


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about calls from an address or a place; `rule` decides, None if none does."""

    address: Address | None
    rule: Restriction | None

    @property
    def allowed(self) -> bool:
        """Whether restrictions let the calls pass."""
        return self.rule is None or self.rule.category == WHITELIST


@dataclass(frozen=True, slots=True)
class Trial:
    """What gateways would decide with one more restriction: about its actor, and another caller.

    `locks_out`: the change would be refused, as one that locks out its actor.
    """

    wanted: Terms
    locks_out: bool
    yourself: Decision
    caller: Decision | None


def terms(
    *, category: str, scope: str, value: str, state: str = ENABLED, code: int | None = None
) -> Terms:
    """The terms of a restriction with its value normalised and, if none is given, its usual code.

    Raises `InvalidValue`.
    """
    if code is None:
        code = _MAINTENANCE_CODE if category == "maintenance" else _CODES[scope]
    try:
        normalised = _NORMALISED[scope](value.strip())
    except ValueError:
        raise InvalidValue from None
    return Terms(category=category, scope=scope, value=normalised, state=state, code=code)


def _everyone(text: str) -> str:
    """Any text: it decides nothing."""
    note = " ".join(unicodedata.normalize("NFC", text).split())
    if not note or not note.isprintable() or len(note) > MAX_VALUE:
        raise ValueError(text)
    return "all" if note.lower() == "all" else note


def _address(text: str) -> str:
    """An address as callers have it: IPv4 in IPv6 becomes IPv4; an interface is refused."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise ValueError(text)
        address = address.ipv4_mapped or address
    return str(address)


def _network(text: str) -> str:
    """A network in CIDR notation, without the bits of a host in it."""
    address, _, length = text.partition("/")
    if not _PREFIX_LENGTH.fullmatch(length) or "%" in address:
        raise ValueError(text)
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = int(network.network_address) & 0xFFFF_FFFF
        return str(IPv4Network((mapped, network.prefixlen - _MAPPED.prefixlen)))
    return str(network)


def _place(text: str) -> str:
    """The name or code of a continent or a country; it need not be in the file of places."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if len(name) > MAX_VALUE or not _PLACE.fullmatch(name):
        raise ValueError(text)
    return name


_NORMALISED: Mapping[str, Callable[[str], str]] = {
    "all": _everyone,
    "ip": _address,
    "ip_subnet": _network,
    "continent": _place,
    "country": _place,
}
