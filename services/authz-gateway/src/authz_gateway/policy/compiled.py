"""Permissions and restrictions, compiled for quick and pure decisions."""

from collections import defaultdict
from dataclasses import dataclass

from authz_gateway.paths import segments, under_one_name
from authz_gateway.prefix_tree import PrefixTree
from authz_gateway.restrictions.compiled import CompiledRestrictions
from shared.contracts.policy import Permission, Policy

_ALL = "ALL"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the permissions say about a call; `topic` is that of the longest AUDIT rule with one."""

    allowed: bool
    audited: bool
    topic: str | None


class CompiledPolicy:
    """An unchanging policy.

    A rule of the permissions matches its path and everything below; any DROP, or no ACCEPT, denies.
    """

    def __init__(self, policy: Policy) -> None:
        self.version = policy.version
        self.restrictions = CompiledRestrictions(policy.restrictions)
        rules_of: defaultdict[str, list[Permission]] = defaultdict(list)
        for rule in policy.permissions:
            rules_of[rule.role].append(rule)
        self._trees = {
            (role, verb): _tree(rules, verb)
            for role, rules in rules_of.items()
            for verb in {_ALL, *(rule.verb for rule in rules)}
        }

    def decide(self, role: str, verb: str, path: str) -> Verdict:
        """What `role` may do with `verb` at a canonical path; HEAD counts as GET."""
        verb = "GET" if verb == "HEAD" else verb
        tree = self._trees.get((role, verb)) or self._trees.get((role, _ALL))
        rules = tuple(tree.along(segments(path))) if tree else ()
        actions = {rule.action for rule in rules}
        topics = [rule.topic for rule in rules if rule.action == "AUDIT" and rule.topic]
        return Verdict(
            allowed="ACCEPT" in actions and "DROP" not in actions,
            audited="AUDIT" in actions,
            topic=topics[-1] if topics else None,
        )


def _tree(rules: list[Permission], verb: str) -> PrefixTree[Permission]:
    """The rules that apply to `verb`.

    A rule for another name of our own services stands for their canonical path: requests have no
    other, so it would never match.
    """
    return PrefixTree(
        (segments(under_one_name("/" + rule.path.strip("/"))), rule)
        for rule in rules
        if rule.verb in (verb, _ALL)
    )
