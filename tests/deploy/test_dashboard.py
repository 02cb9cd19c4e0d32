"""Grafana's dashboard shows metrics that there are."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.promql import metrics_named, promtool, told
from tests.support.system import ROOT

BOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "barong.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_each_panel_shows_metrics_that_there_are(panel: dict[str, Any]) -> None:
    assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
    for target in panel["targets"]:
        named = metrics_named(target["expr"])
        assert named
        assert named <= told()


def test_prometheus_understands_the_queries(tmp_path: Path) -> None:
    queries = [target["expr"] for panel in PANELS for target in panel["targets"]]
    rules = [
        {"record": f"shown:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(queries)
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "shown", "rules": rules}]}))
    done = promtool("check", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(queries)} rules found" in done.stdout


def test_panels_do_not_lie_on_each_other() -> None:
    cells = [
        (x, y)
        for panel in BOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_it_shows_what_operators_ask_first() -> None:
    shown = frozenset().union(
        *(metrics_named(target["expr"]) for panel in PANELS for target in panel["targets"])
    )
    assert shown >= {
        *("http_requests_total", "http_request_duration_seconds_bucket"),
        *("gateway_decisions_total", "gateway_session_lookups_total", "passwords_waiting"),
        *("outbox_backlog", "outbox_oldest_seconds", "queue_lag_seconds", "queue_dead_letters"),
    }
