"""How private labels decide state and level."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.users import MAY_ACT
from shared.policy.account_status import ACTIVE, PENDING, AccountStatusRules, stricter
from shared.policy.account_status_files import account_status_rules
from tests.support.system import ROOT

EMAIL = {"email": "verified"}
PHONE = {"phone": "verified"}
DOCUMENT = {"document": "verified"}


@pytest.fixture(scope="module")
def rules() -> AccountStatusRules:
    """The rules that the default configuration makes."""
    return account_status_rules(str(ROOT / "deploy" / "config"))


@pytest.mark.parametrize(
    ("labels", "state"),
    [
        ({}, "pending"),
        ({"email": "pending"}, "pending"),
        ({"e-mail": "verified"}, "pending"),
        ({"email-x": "verified"}, "pending"),
        (PHONE | DOCUMENT, "pending"),
        (EMAIL, "active"),
        (EMAIL | {"otp": "enabled"}, "active"),
        (EMAIL | {"ban": "1"}, "banned"),
        (EMAIL | {"fraud": "yes"}, "banned"),
        (EMAIL | {"delete": "by_user"}, "deleted"),
        (EMAIL | {"suspicious": "x"}, "locked"),
        (EMAIL | {"lock": "x"}, "locked"),
        ({"ban": "x"}, "banned"),
        # A trigger and a separator, with whatever comes then.
        (EMAIL | {"ban-2026": "x"}, "banned"),
        (EMAIL | {"ban_for_spam": "x"}, "banned"),
        (EMAIL | {"lock-": "x"}, "locked"),
        # Without a separator it is another word, and only a key is a trigger.
        (EMAIL | {"banana": "x"}, "active"),
        (EMAIL | {"locked": "x"}, "active"),
        (EMAIL | {"un-ban": "x"}, "active"),
        (EMAIL | {"note": "ban"}, "active"),
        # Of several triggers the last in the configuration's order decides.
        (EMAIL | {"ban": "x", "delete": "x"}, "deleted"),
        (EMAIL | {"ban": "x", "lock": "x"}, "locked"),
    ],
)
def test_states(rules: AccountStatusRules, labels: dict[str, str], state: str) -> None:
    assert rules.state(labels) == state


@pytest.mark.parametrize(
    ("labels", "level"),
    [
        ({}, 0),
        (EMAIL, 1),
        (EMAIL | PHONE, 2),
        (EMAIL | PHONE | DOCUMENT, 3),
        # A gap ends the count.
        (PHONE, 0),
        (PHONE | DOCUMENT, 0),
        (EMAIL | DOCUMENT, 1),
        # Another value of the same key is another label.
        (EMAIL | {"phone": "pending"}, 1),
        (EMAIL | PHONE | {"document": "rejected"}, 2),
        # Nothing else counts.
        (EMAIL | {"profile": "verified", "ban": "x"}, 1),
    ],
)
def test_levels(rules: AccountStatusRules, labels: dict[str, str], level: int) -> None:
    assert rules.level(labels) == level


WORDS = st.sampled_from(
    ["email", "phone", "document", "ban", "fraud", "delete", "lock", "suspicious", "otp", "banana"]
)
KEYS = st.one_of(WORDS, st.builds("{}{}{}".format, WORDS, st.sampled_from("-_x"), WORDS))
LABELS = st.dictionaries(KEYS, st.sampled_from(["verified", "pending", "x"]), max_size=8)
RULES = st.builds(
    AccountStatusRules,
    st.lists(st.tuples(WORDS, st.sampled_from(["verified", "x"])), min_size=1, max_size=4),
    st.dictionaries(WORDS, st.sampled_from(["verified", "x"]), max_size=3),
    st.dictionaries(
        st.sampled_from(["banned", "deleted", "locked", "frozen"]),
        st.lists(WORDS, max_size=3),
        max_size=4,
    ),
)


@given(rules=RULES, labels=LABELS)
def test_there_is_always_one_state_and_the_configuration_names_it(
    rules: AccountStatusRules, labels: dict[str, str]
) -> None:
    assert rules.state(labels) in {ACTIVE, PENDING, *rules.state_triggers}


@given(rules=RULES, labels=LABELS)
def test_the_order_of_labels_is_nothing(rules: AccountStatusRules, labels: dict[str, str]) -> None:
    reordered = dict(reversed(labels.items()))
    assert rules.state(reordered) == rules.state(labels)
    assert rules.level(reordered) == rules.level(labels)


@given(rules=RULES, labels=LABELS)
def test_a_level_is_held_without_a_gap(rules: AccountStatusRules, labels: dict[str, str]) -> None:
    level = rules.level(labels)
    assert all(labels.get(key) == value for key, value in rules.levels[:level])
    assert all(labels.get(key) != value for key, value in rules.levels[level : level + 1])


@given(rules=RULES, labels=LABELS, key=KEYS)
def test_taking_a_label_back_undoes_it(
    rules: AccountStatusRules, labels: dict[str, str], key: str
) -> None:
    without = {name: value for name, value in labels.items() if name != key}
    again = {name: value for name, value in {**without, key: "x"}.items() if name != key}
    assert (rules.state(again), rules.level(again)) == (rules.state(without), rules.level(without))


@given(rules=RULES, labels=LABELS)
def test_a_trigger_word_forbids_to_be_active(
    rules: AccountStatusRules, labels: dict[str, str]
) -> None:
    words = [word for words in rules.state_triggers.values() for word in words]
    if any(word in labels for word in words):
        assert rules.state(labels) not in MAY_ACT


@given(rules=RULES, labels=LABELS)
def test_active_needs_every_requirement(rules: AccountStatusRules, labels: dict[str, str]) -> None:
    if rules.state(labels) == ACTIVE:
        assert rules.activation_requirements.items() <= labels.items()


@pytest.mark.parametrize(
    ("labels", "refusal", "counts"),
    [
        ("active", None, "active"),
        ("active", "locked", "locked"),
        ("pending", "banned", "banned"),
        ("suspended", "locked", "locked"),  # a state of the operator's own is milder
        ("locked", "banned", "banned"),
        ("banned", "locked", "banned"),
        ("deleted", "banned", "deleted"),
        ("banned", "deleted", "deleted"),
    ],
)
def test_of_labels_and_a_refusal_the_stricter_counts(
    labels: str, refusal: str | None, counts: str
) -> None:
    assert stricter(labels, refusal) == counts
