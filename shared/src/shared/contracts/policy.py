"""The policy as gateways receive it: permissions and restrictions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

WHITELIST = "whitelist"
CATEGORIES = (WHITELIST, "maintenance", "blacklist")
"""The categories of restrictions, the strongest first."""

SCOPES = ("all", "ip", "ip_subnet", "continent", "country")
"""The kinds of values of restrictions; within a category, the first to match decides."""


@dataclass(frozen=True, slots=True)
class Permission:
    """One rule: what `role` may do with `verb` at `path` and everything below it."""

    role: str
    verb: str
    path: str
    action: str
    topic: str | None


@dataclass(frozen=True, slots=True)
class Restriction:
    """One rule: what happens to callers whose `scope` is `value`, and the status they are given.

    `value` is `all`, an address or a network (normalised, IPv4 or IPv6), or the English name or
    the ISO code of a continent or a country, in any case.
    """

    category: str
    scope: str
    value: str
    code: int


@dataclass(frozen=True, slots=True)
class Policy:
    """Every rule in force; a policy that differs has another version."""

    version: int
    permissions: tuple[Permission, ...]
    restrictions: tuple[Restriction, ...] = ()

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Policy":
        """The policy that the internal API's answer describes."""
        return cls(
            int(body["version"]),
            tuple(Permission(**row) for row in body["permissions"]),
            tuple(Restriction(**row) for row in body["restrictions"]),
        )

    def to_internal(self) -> dict[str, Any]:
        """As the internal API answers."""
        return {
            "version": self.version,
            "permissions": [asdict(rule) for rule in self.permissions],
            "restrictions": [asdict(rule) for rule in self.restrictions],
        }
