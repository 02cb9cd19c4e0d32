"""The configured levels."""

from collections.abc import Sequence
from dataclasses import dataclass

from admin_svc.core import Core
from admin_svc.levels.models import Level, read_levels


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels that users can reach, the lowest first."""

    all: Sequence[Level]


def build(core: Core) -> Levels:
    """Reads the levels file; raises `SettingsError` with every fault."""
    return Levels(read_levels(core.settings.levels_path))
