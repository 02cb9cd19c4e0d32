"""The files of these rules: levels.yaml and states.yaml."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from shared.policy.account_status import AccountStatusRules
from shared.settings import SettingsError


def account_status_rules(config_dir: str) -> AccountStatusRules:
    """The rules of both files; raises `SettingsError` with every fault."""
    levels_file, states_file = Path(config_dir, "levels.yaml"), Path(config_dir, "states.yaml")
    levels, states = _read(levels_file), _read(states_file)
    faults = [f"{levels_file}: {fault}" for fault in _level_faults(levels)]
    faults += [f"{states_file}: {fault}" for fault in _state_faults(states)]
    if faults:
        raise SettingsError(faults)
    return AccountStatusRules(
        levels=tuple((level["key"], level["value"]) for level in levels),
        activation_requirements=states["activation_requirements"],
        state_triggers=states["state_triggers"],
    )


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError([f"{path}: {error}"]) from None


def _level_faults(levels: Any) -> Iterator[str]:
    if not isinstance(levels, list) or not levels:
        yield "a list of {key, value} is wanted"
        return
    for position, level in enumerate(levels, 1):
        if not _texts(level) or set(level) != {"key", "value"}:
            yield f"level {position} is not {{key, value}}"


def _state_faults(states: Any) -> Iterator[str]:
    wanted = {"activation_requirements", "state_triggers"}
    if not isinstance(states, dict) or set(states) != wanted:
        yield f"exactly these keys are wanted: {', '.join(sorted(wanted))}"
        return
    if not _texts(states["activation_requirements"]):
        yield "activation_requirements: label keys and values are wanted"
    triggers = states["state_triggers"]
    if not isinstance(triggers, dict) or not all(
        isinstance(words, list) and all(isinstance(word, str) for word in words)
        for words in triggers.values()
    ):
        yield "state_triggers: a list of words for each state is wanted"


def _texts(mapping: Any) -> bool:
    return isinstance(mapping, dict) and all(
        isinstance(item, str) for pair in mapping.items() for item in pair
    )
