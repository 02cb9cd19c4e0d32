"""The levels file."""

from pathlib import Path

import pytest

from admin_svc.levels.models import Level, read_levels
from shared.settings import SettingsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "levels.yaml"


def test_levels_keep_their_order(file: Path) -> None:
    file.write_text("- {key: phone, value: verified}\n- {key: email, value: verified}\n")

    assert read_levels(file) == (
        Level(key="phone", value="verified"),
        Level(key="email", value="verified"),
    )


def test_the_default_levels_can_be_read() -> None:
    levels = read_levels(Path(__file__).parents[3] / "deploy" / "config" / "levels.yaml")

    assert [level.key for level in levels] == ["email", "phone", "document"]


@pytest.mark.parametrize(
    ("content", "count"),
    [
        ("- {key: email}", 1),
        ("- {key: email, value: yes}", 1),
        ("- {key: Email, value: 'no'}", 2),
        ("- {key: email, value: verified, id: 1}", 1),
        ("- {key: email, value: verified}\n- {key: email, value: verified}", 1),
        ("- email: verified\n- 1", 4),
    ],
)
def test_faults_are_told(file: Path, content: str, count: int) -> None:
    file.write_text(content)

    with pytest.raises(SettingsError) as raised:
        read_levels(file)
    assert len(raised.value.faults) == count
    assert all(str(file) in fault for fault in raised.value.faults)
