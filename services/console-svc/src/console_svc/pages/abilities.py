"""What the role of a visitor may do: pages show nothing else, and the API decides all the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console_svc.pages.api import PREFIX
from shared.contracts.policy import Permission
from shared.policy.authority import Authority
from shared.policy.permissions import CompiledPermissions

ABILITIES = "admin/abilities"
"""The operation that answers the rules of the caller's own role."""
_OF_A_USER = "{uid}"


@dataclass(frozen=True, slots=True)
class Calls:
    """What a page calls below /api/v2/barong/.

    `reads` are the paths of the GETs without which it cannot be shown. `sends` is the verb and the
    path of the call that its form makes, blank without a form.
    """

    reads: tuple[str, ...] = ()
    sends: str = ""


class Abilities:
    """What one visitor may do, by the rules of their role and by its rank.

    `rules` are those that the API answers, `calls` those of each page of the console by its address
    in the table of pages.
    """

    def __init__(
        self,
        member: Mapping[str, Any],
        rules: Sequence[Mapping[str, str]],
        authority: Authority,
        calls: Mapping[str, Calls],
    ) -> None:
        self._uid, self._role = str(member["uid"]), str(member["role"])
        self._rules = CompiledPermissions(
            Permission(
                role=self._role,
                verb=each["verb"],
                path=each["path"],
                action=each["action"],
                topic=None,
            )
            for each in rules
        )
        self._authority = authority
        self._calls = calls

    def may_call(self, verb: str, path: str) -> bool:
        """Whether the role may call an operation below /api/v2/barong/."""
        return self._rules.decide(self._role, verb, PREFIX + path).allowed

    def may_open(self, page: str) -> bool:
        """Whether a link to the page leads to more than a refusal."""
        return all(self.may_call("GET", path) for path in self._calls[page].reads)

    def may_send(self, page: str, user: Mapping[str, Any] | None = None) -> bool:
        """Whether the form that goes to the page is taken from this visitor.

        Pages of one user need that `user` (UserWithFullInfo), whom the visitor must outrank.
        """
        if (user is None) is (_OF_A_USER in page):
            raise ValueError(page)
        verb, _, path = self._calls[page].sends.partition(" ")
        return self.may_call(verb, path) and (user is None or self._outranks(user))

    def _outranks(self, user: Mapping[str, Any]) -> bool:
        """Whether the visitor may change the user: the rule by which the API decides."""
        return (
            user["uid"] != self._uid
            and self._authority.refusal(self._role, str(user["role"])) is None
        )
