"""Every alert has its runbook, and what a runbook tells readers to run is understood."""

import re
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import OVERLAYS, workloads
from tests.deploy.promql import metrics_named, promtool, told
from tests.deploy.test_alerts import ALERTS
from tests.support.database import TestDatabase
from tests.support.kustomize import rendered
from tests.support.system import ROOT

PAGE = ROOT / "docs" / "operators" / "runbooks.md"
PARTS = ("Means", "Look at", "Do", "Wake somebody")
SECTIONS = {
    title: text
    for title, _, text in (
        section.partition("\n")
        for section in re.split(r"^#+ (?=\w)", PAGE.read_text(), flags=re.MULTILINE)
    )
    if "**Means:**" in text
}


def blocks(language: str) -> list[str]:
    """The code of one language on the page."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def test_every_alert_has_a_section_and_every_section_its_alert() -> None:
    assert list(SECTIONS) == list(ALERTS)  # in the same order, too


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_leads_to_its_section(alert: str) -> None:
    path, _, anchor = ALERTS[alert]["annotations"]["runbook"].partition("#")
    assert ROOT / path == PAGE
    assert anchor == alert.lower()  # as GitHub and MyST make it of the title


@pytest.mark.parametrize("alert", SECTIONS)
def test_a_section_has_all_parts_in_order(alert: str) -> None:
    found = re.findall(r"^\*\*([A-Z][a-z ]+?):?\*\*", SECTIONS[alert], re.MULTILINE)
    assert tuple(found) == PARTS
    answer = SECTIONS[alert].partition("**Wake somebody:**")[2].strip()
    assert re.match(r"(yes|no|only if)\b", answer)
    if ALERTS[alert]["labels"]["severity"] == "critical":
        assert answer.startswith("yes")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_logs_are_asked_of_pods_that_there_are(overlay: str) -> None:
    """Those of all containers where the pods have several, of which kubectl shows one otherwise."""
    pods = workloads(rendered(overlay))
    asked = re.findall(r"logs -l (\S+)=(\S+)(.*)", PAGE.read_text())
    assert len({value for _, value, _ in asked}) > 4
    for label, value, options in asked:
        found = [each for each in pods if each.labels.get(label) == value]
        assert found, f"{label}={value}"
        if any(len(each.containers) > 1 for each in found):
            assert "--all-containers" in options


def test_prometheus_understands_the_queries(tmp_path: Path) -> None:
    queries = blocks("promql")
    assert len(queries) > 10
    rules = [{"record": f"query:{n}", "expr": query} for n, query in enumerate(queries)]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}))
    done = promtool("check", "rules", str(file))
    assert done.returncode == 0, done.stderr
    assert frozenset().union(*map(metrics_named, queries)) <= told() | {"up"}


@pytest.mark.parametrize("statement", blocks("sql"))
async def test_postgresql_runs_a_statement(statement: str, database: TestDatabase) -> None:
    async with database.connected() as connection:
        await connection.fetch(statement)
