"""What the role of a visitor may do: pages show nothing else, and the API decides all the same."""

from collections.abc import Sequence

from console_svc.pages.api import PREFIX
from console_svc.pages.visit import Abilities, Visit
from shared.contracts.policy import Permission
from shared.policy.permissions import CompiledPermissions


async def abilities_of(visit: Visit) -> Abilities:
    """The rules of the visitor's role; raises `ApiRefusal` if the role has no business here."""
    answer = await visit.get("admin/abilities")
    role = str(visit.me["role"])
    return Rules(role, answer.body)


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
