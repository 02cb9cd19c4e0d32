"""The file of the ranks of roles: ranks.yaml."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from shared.contracts.administration import SUPERADMIN
from shared.settings import SettingsError

_ROLE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Ranks:
    """Groups of roles, the highest first; roles that no group names are below all of them."""

    groups: Sequence[frozenset[str]]

    def is_above(self, role: str, other: str) -> bool:
        """Whether `role` ranks higher than `other`."""
        return self._place(role) < self._place(other)

    def has(self, role: str) -> bool:
        """Whether a group names the role."""
        return any(role in roles for roles in self.groups)

    def _place(self, role: str) -> int:
        places = (place for place, roles in enumerate(self.groups) if role in roles)
        return next(places, len(self.groups))


def read_ranks(file: Path) -> Ranks:
    """The ranks that the file gives; raises `SettingsError` with every fault."""
    try:
        groups = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError([f"{file}: {error}"]) from None
    if faults := [f"{file}: {fault}" for fault in _faults(groups)]:
        raise SettingsError(faults)
    return Ranks([frozenset(group) for group in groups])


def _faults(groups: Any) -> Iterator[str]:
    if not isinstance(groups, list) or not groups:
        yield "a list of lists of roles is wanted"
        return
    for place, group in enumerate(groups, 1):
        if not isinstance(group, list) or not group or not all(map(_is_role, group)):
            yield f"rank {place} is no list of roles"
            return
    if groups[0] != [SUPERADMIN]:
        yield f"the first rank is not {SUPERADMIN} alone"
    named = Counter(role for group in groups for role in group)
    yield from (f"{role} is named twice" for role, times in named.items() if times > 1)


def _is_role(value: Any) -> bool:
    return isinstance(value, str) and _ROLE.fullmatch(value) is not None
