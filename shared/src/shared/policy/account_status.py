"""The rules by which private labels decide state and level, for all services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shared.contracts.users import User

SEPARATORS = ("-", "_")
ACTIVE, PENDING = "active", "pending"
REFUSALS = ("locked", "banned", "deleted")
"""The states by which administrators keep users out for good, the mildest first."""


@dataclass(frozen=True, slots=True)
class AccountStatusRules:
    """The operator's levels, activation requirements and state triggers."""

    levels: Sequence[tuple[str, str]]
    activation_requirements: Mapping[str, str]
    state_triggers: Mapping[str, Sequence[str]]

    @property
    def states(self) -> frozenset[str]:
        """All states: the built-in ones, and those that labels trigger."""
        return frozenset({ACTIVE, PENDING, "banned", "deleted", "locked", *self.state_triggers})

    def state(self, labels: Mapping[str, str]) -> str:
        """The state that these private labels (key to value) give."""
        active = all(
            labels.get(key) == value for key, value in self.activation_requirements.items()
        )
        state = ACTIVE if active else PENDING
        for triggered, words in self.state_triggers.items():
            if any(_triggers(key, word) for key in labels for word in words):
                state = triggered
        return state

    def level(self, labels: Mapping[str, str]) -> int:
        """The level of these private labels: the number of levels without a gap from the first."""
        level = 0
        for key, value in self.levels:
            if labels.get(key) != value:
                break
            level += 1
        return level

    def labelled(self, user: User, before: Mapping[str, str], after: Mapping[str, str]) -> User:
        """The user as they will be once their private labels are `after` in place of `before`.

        If the labels before do not explain a refusal, an administrator made it, and it stays.
        """
        explained = user.state == self.state(before)
        refusal = user.state if user.state in REFUSALS and not explained else None
        state = stricter(self.state(after), refusal)
        return replace(user, state=state, level=self.level(after))


def stricter(state: str, refusal: str | None) -> str:
    """The stricter of the state that labels give and an administrator's refusal.

    The order, the mildest first: active, pending, states of the operator's own, locked, banned,
    deleted.
    """
    return state if refusal is None else max(state, refusal, key=_strictness)


def _strictness(state: str) -> int:
    if state in REFUSALS:
        return 3 + REFUSALS.index(state)
    return (ACTIVE, PENDING).index(state) if state in (ACTIVE, PENDING) else 2


def _triggers(key: str, word: str) -> bool:
    return key == word or key.startswith(tuple(word + separator for separator in SEPARATORS))
