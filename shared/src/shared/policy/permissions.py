"""Permissions, compiled for fast decisions without I/O."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from shared.contracts.policy import Permission
from shared.policy.paths import folded, segments, under_one_name
from shared.policy.prefix_tree import PrefixTree

_ALL = "ALL"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the permissions say about a call; `topic` is that of the longest AUDIT rule with one."""

    allowed: bool
    audited: bool
    topic: str | None


class CompiledPermissions:
    """Immutable permissions.

    A rule matches its path and everything below; any DROP, or no ACCEPT, denies. In `any_case`
    `/Orders` is `/orders`, in rules and in calls.
    """

    def __init__(self, permissions: Iterable[Permission], *, any_case: bool = False) -> None:
        self._any_case = any_case
        rules_of: defaultdict[str, list[Permission]] = defaultdict(list)
        for rule in permissions:
            rules_of[rule.role].append(rule)
        self._trees = {
            (role, verb): self._tree(rules, verb)
            for role, rules in rules_of.items()
            for verb in {_ALL, "HEAD", *(rule.verb for rule in rules)}
        }

    def matching(self, role: str, verb: str, path: str) -> tuple[Permission, ...]:
        """The rules for a call of `role` with `verb` to a canonical path, the shortest path first.

        HEAD is decided by the rules for HEAD and those for GET.
        """
        tree = self._trees.get((role, verb)) or self._trees.get((role, _ALL))
        return tuple(tree.along(self._compared(path))) if tree else ()

    def decide(self, role: str, verb: str, path: str) -> Verdict:
        """The verdict of the matching rules."""
        return verdict_of(self.matching(role, verb, path))

    def _compared(self, path: str) -> list[str]:
        return folded(segments(path)) if self._any_case else segments(path)

    def _tree(self, rules: list[Permission], verb: str) -> PrefixTree[Permission]:
        """The rules that apply to `verb`.

        A rule for another name of our own services stands for their canonical path: requests have
        no other, so it would never match.
        """
        applying = {verb, _ALL} | ({"GET"} if verb == "HEAD" else set())
        return PrefixTree(
            (self._compared(under_one_name("/" + rule.path.strip("/"))), rule)
            for rule in rules
            if rule.verb in applying
        )


def verdict_of(rules: tuple[Permission, ...]) -> Verdict:
    """The verdict of rules that all match a call, the shortest path first."""
    actions = {rule.action for rule in rules}
    topics = [rule.topic for rule in rules if rule.action == "AUDIT" and rule.topic]
    return Verdict(
        allowed="ACCEPT" in actions and "DROP" not in actions,
        audited="AUDIT" in actions,
        topic=topics[-1] if topics else None,
    )
