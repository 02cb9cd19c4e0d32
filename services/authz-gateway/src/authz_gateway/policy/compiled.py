"""The policy, compiled for quick and pure decisions."""

from collections.abc import Callable
from functools import lru_cache

from authz_gateway.restrictions.compiled import CompiledRestrictions
from shared.contracts.policy import Policy
from shared.policy.permissions import CompiledPermissions, Verdict

_REMEMBERED = 10_000
"""Verdicts; those of another policy go with it."""


class CompiledPolicy:
    """An unchanging policy: its permissions and its restrictions.

    `superseded`: another one is in force.
    """

    def __init__(self, policy: Policy) -> None:
        self.version = policy.version
        self.superseded = False
        self.restrictions = CompiledRestrictions(policy.restrictions)
        self.decide: Callable[[str, str, str], Verdict] = lru_cache(_REMEMBERED)(
            CompiledPermissions(policy.permissions).decide
        )
        """What a role may do with a verb at a canonical path."""
