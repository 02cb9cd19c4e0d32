"""The list of decisions has every record, in the order of their numbers."""

import re

from tests.support.system import ROOT

FOLDER = ROOT / "docs" / "adr"


def test_the_list_has_every_record_once() -> None:
    listed = re.findall(
        r"^\| \d{4} \| \[[^]]+\]\(([^)]+)\)", (FOLDER / "README.md").read_text(), re.M
    )
    assert listed == sorted(file.name for file in FOLDER.glob("[0-9]*.md"))
