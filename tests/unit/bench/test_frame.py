"""The frame of `make bench`: every part has its turn, and what broke is told."""

import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

import tests.bench
from tests.bench.__main__ import LONG, PARTS, about, rows
from tests.bench.frame import Part, measure
from tests.bench.row import Row
from tests.support.system import ROOT

MACHINE = {"cores": "2"}


def whole() -> Iterator[Row]:
    yield Row("calls", 300, "/s", 200, "at least")
    yield Row("p99", 30, "ms", 20)
    yield Row("median", 3, "ms")


def breaking() -> Iterator[Row]:
    yield Row("the first", 1, "s")
    raise RuntimeError("nobody listens")


def test_every_module_that_measures_is_a_part() -> None:
    modules = {info.name for info in pkgutil.iter_modules(tests.bench.__path__)}
    measuring = {
        name
        for name in modules - {"__main__"}
        if hasattr(import_module(f"tests.bench.{name}"), "rows")
    }
    parts = PARTS + LONG
    assert {part.replace("-", "_") for part in parts} == measuring
    assert len(set(parts)) == len(parts)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_says_what_it_measures(part: str) -> None:
    assert about(part).endswith(".")


def test_a_part_that_breaks_is_told_and_the_others_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bench.json"
    assert measure({"breaking": breaking, "whole": whole}, MACHINE, file) == ["breaking"]

    kept = json.loads(file.read_text())
    assert kept["breaking"]["broken"] == "RuntimeError('nobody listens')"
    assert [row["what"] for row in kept["breaking"]["rows"]] == ["the first"]
    assert kept["whole"]["broken"] is None
    assert kept["whole"]["machine"] == MACHINE
    assert [(row["ratio"], row["met"]) for row in kept["whole"]["rows"]] == [
        (1.5, True),
        (1.5, False),
        (None, None),
    ]
    printed = capsys.readouterr().out.splitlines()
    [calls] = [line.split() for line in printed if line.startswith("calls")]
    assert calls == ["calls", "300", "/s", "at", "least", "200", "1.50", "yes"]
    assert printed[-4:] == ["broken: 1", "  breaking", "not met: 1", "  whole: p99"]


def test_a_part_that_cannot_be_imported_breaks_alone(tmp_path: Path) -> None:
    parts: dict[str, Part] = {"nothing": partial(rows, "nothing"), "whole": whole}
    assert measure(parts, MACHINE, tmp_path / "bench.json") == ["nothing"]


def test_results_of_other_parts_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    measure({"one": whole}, MACHINE, file)
    assert measure({"two": whole}, {"cores": "4"}, file) == []
    kept = json.loads(file.read_text())
    assert {name: part["machine"]["cores"] for name, part in kept.items()} == {
        "one": "2",
        "two": "4",
    }


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_lists_the_parts() -> None:
    listed = bench("--help").stdout
    assert all(f"  {part} " in listed and about(part) in listed for part in PARTS)


def test_an_unknown_part_is_told_before_anything_is_measured() -> None:
    done = bench("startup", "logouts")
    assert done.returncode == 2
    assert "no such part: logouts" in done.stderr
    assert done.stdout == ""
