"""What the role of a visitor may do: pages show nothing else, and the API decides all the same."""

from collections.abc import Sequence

from console_svc.pages.api import PREFIX
from shared.contracts.policy import Permission
from shared.policy.permissions import CompiledPermissions

ABILITIES = "admin/abilities"
"""The operation that answers the rules of the caller's own role."""


class Rules:
    """Rules as the gateway reads them."""

    def __init__(self, role: str, rules: Sequence[dict[str, str]]) -> None:
        self._role = role
        self._rules = CompiledPermissions(
            Permission(
                role=role, verb=each["verb"], path=each["path"], action=each["action"], topic=None
            )
            for each in rules
        )

    def allow(self, verb: str, path: str) -> bool:
        """Whether the role may call an operation below /api/v2/barong/."""
        return self._rules.decide(self._role, verb, PREFIX + path).allowed
