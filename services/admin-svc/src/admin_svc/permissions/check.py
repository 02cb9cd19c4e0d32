"""Trying out what permissions decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from admin_svc.permissions import store
from admin_svc.permissions.record import PermissionRecord
from admin_svc.permissions.rules import CALLS, InvalidPath, InvalidVerb, checked
from shared.contracts.policy import Permission
from shared.database.pool import Database
from shared.errors import Malformed
from shared.policy.paths import canonical
from shared.policy.permissions import CompiledPermissions, Verdict, verdict_of


@dataclass(frozen=True, slots=True)
class Trial:
    """What would become of a call, and the rules that say so, the shortest path first."""

    path: str
    verdict: Verdict
    rules: Sequence[Permission]
    records: Sequence[PermissionRecord]

    def shown(self) -> dict[str, Any]:
        """As the API answers; `action` is what decides: DROP, ACCEPT, or nothing that accepts."""
        dropped = any(rule.action == "DROP" for rule in self.rules)
        return {
            "path": self.path,
            "allowed": self.verdict.allowed,
            "action": "DROP" if dropped else "ACCEPT" if self.verdict.allowed else None,
            "audited": self.verdict.audited,
            "topic": self.verdict.topic,
            "permissions": [record.shown() for record in self.records]
            or [_shown(rule) for rule in self.rules],
        }


@dataclass(frozen=True, slots=True)
class CheckPermission:
    """Decides as gateways do, by the same evaluation, and changes nothing.

    Only permissions are tried: routes and restrictions have their say besides.
    """

    database: Database

    async def __call__(
        self, role: str, verb: str, path: str, candidates: Sequence[Permission] | None
    ) -> Trial:
        """What the table decides, or the `candidates` in its place.

        Raises `InvalidVerb`, `InvalidPath` or `InvalidAction`.
        """
        verb, path = _verb(verb), _path(path)
        if candidates is not None:
            rules = CompiledPermissions(map(checked, candidates)).matching(role, verb, path)
            return Trial(path, verdict_of(rules), rules, ())
        async with self.database.connection() as connection:
            records = await store.select_of_role(connection, role)
        by_rule = {record.rule: record for record in records}
        rules = CompiledPermissions(by_rule).matching(role, verb, path)
        return Trial(path, verdict_of(rules), rules, [by_rule[rule] for rule in rules])


def _verb(text: str) -> str:
    word = text.strip().upper()
    if word not in CALLS:
        raise InvalidVerb
    return word


def _path(text: str) -> str:
    try:
        return canonical("/" + text.strip().removeprefix("/"))
    except Malformed:
        raise InvalidPath from None


def _shown(rule: Permission) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in Permission.__slots__}
