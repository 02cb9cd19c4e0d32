"""How roles rank, and which files say it."""

from pathlib import Path

import pytest

from shared.policy.ranks import read_ranks
from shared.settings import SettingsError
from tests.support.system import ROOT

DEFAULT = ROOT / "deploy" / "config" / "ranks.yaml"


@pytest.mark.parametrize(
    ("role", "other", "above"),
    [
        ("superadmin", "admin", True),
        ("admin", "superadmin", False),
        ("admin", "admin", False),
        ("admin", "accountant", True),
        ("accountant", "support", False),
        ("support", "member", True),
        ("member", "trader", False),
        ("member", "support", False),
    ],
)
def test_the_default_ranks(role: str, other: str, above: bool) -> None:
    assert read_ranks(DEFAULT).is_above(role, other) is above


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "a list of lists of roles is wanted"),
        ("superadmin: 1", "a list of lists of roles is wanted"),
        ("- superadmin", "rank 1 is no list of roles"),
        ("- [superadmin]\n- [1]", "rank 2 is no list of roles"),
        ("- [superadmin]\n- []", "rank 2 is no list of roles"),
        ("- [admin]", "the first rank is not superadmin alone"),
        ("- [superadmin, admin]", "the first rank is not superadmin alone"),
        ("- [superadmin]\n- [admin, admin]", "admin is named twice"),
        ("- [superadmin]\n- [admin]\n- [superadmin]", "superadmin is named twice"),
        ("- [", "ranks.yaml"),
    ],
)
def test_what_is_no_ranks(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "ranks.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError) as refused:
        read_ranks(file)
    assert fault in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ranks\.yaml"):
        read_ranks(tmp_path / "ranks.yaml")
