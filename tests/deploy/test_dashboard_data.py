"""Grafana's dashboard has data: a Prometheus that watches a system in use answers each query."""

import asyncio
import math
import subprocess
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from deploy.local import ports
from deploy.local.processes import StartError
from tests.deploy.test_compose import PARTS
from tests.deploy.test_dashboard import BOARD, PANELS
from tests.support import programs
from tests.support.aiohttp_app import serving
from tests.support.api_keys import an_owner
from tests.support.client import Client
from tests.support.programs import Program
from tests.support.system import NAMES, ROOT, Installation
from tests.support.waiting import until

SCRAPED = "1s"
RATE_INTERVAL = "15s"
QUERIES = [
    pytest.param(target["expr"], id=f"{panel['title']} {number}")
    for panel in PANELS
    for number, target in enumerate(panel["targets"])
]
ROOT_OF_GRAFANA = ROOT / "deploy" / "grafana"


@pytest.fixture(scope="module")
def program() -> Program:
    try:
        return programs.prometheus()
    except StartError as error:
        pytest.skip(f"Prometheus cannot be had here: {error}")


@pytest.fixture(scope="module")
async def prometheus(
    program: Program, system: Installation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The address of a Prometheus that asks all services, with compose's configuration."""
    folder = tmp_path_factory.mktemp("prometheus")
    (port,) = ports.free_ports(1)
    configuration = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    (ours,) = (each for each in configuration["scrape_configs"] if each["job_name"] == "barong")
    del ours["relabel_configs"]  # of names in compose
    ours["static_configs"] = [
        {
            "targets": [f"127.0.0.1:{system.internal[name]}"],
            "labels": {"service": "authz-gateway" if name == "gateway" else f"{name}-svc"},
        }
        for name in NAMES
    ]
    configuration |= {
        "global": {"scrape_interval": SCRAPED},
        "scrape_configs": [ours],
        "rule_files": [],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
            [
                *(program.file, f"--config.file={folder}/prometheus.yml"),
                *(f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"),
            ],
            env=dict(program.env),
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession() as http:

            async def is_ready() -> bool:
                try:
                    async with http.get(f"{url}/-/ready") as answer:
                        return answer.status == 200
                except aiohttp.ClientConnectionError:
                    assert process.poll() is None, (folder / "log").read_text()
                    return False

            await until(is_ready)
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
async def traffic(system: Installation) -> AsyncIterator[None]:
    """Somebody who does all that the panels show, again and again."""

    async def in_use() -> None:
        async with Client(system) as client, Client(system) as admin:
            owner = await an_owner(client)
            key = await owner.new_key()
            await admin.log_in_as_superadmin()
            while True:
                await client.get("resource/users/me")
                await client.get("resource/labels", headers=key.signed())
                await client.get("admin/users")  # denied
                await admin.get("admin/users")
                form = {"uid": owner.uid, "role": "member"}
                await admin.post("admin/users/role", form)  # audited
                async with Client(system) as new:
                    await new.become_member()

    task = asyncio.create_task(in_use())
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def answered(http: aiohttp.ClientSession, url: str, query: str) -> list[float]:
    """The numbers that a query gives now."""
    expression = query.replace("$__rate_interval", RATE_INTERVAL)
    async with http.get(f"{url}/api/v1/query", params={"query": expression}) as answer:
        body = await answer.json()
    assert body["status"] == "success", body
    numbers = [float(each["value"][1]) for each in body["data"]["result"]]
    return [number for number in numbers if not math.isnan(number)]


@pytest.mark.parametrize("query", QUERIES)
async def test_each_query_has_data(prometheus: str, traffic: None, query: str) -> None:
    async with aiohttp.ClientSession() as http:
        assert await until(lambda: answered(http, prometheus, query), 60)


def test_grafana_starts_with_the_dashboard_and_its_prometheus() -> None:
    (source,) = yaml.safe_load(
        (ROOT_OF_GRAFANA / "provisioning/datasources/prometheus.yaml").read_text()
    )["datasources"]
    configuration = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    assert source["jsonData"]["timeInterval"] == configuration["global"]["scrape_interval"]
    host, _, port = source["url"].removeprefix("http://").partition(":")
    assert host in PARTS
    assert PARTS[host]["ports"][0].endswith(f":{port}")
    (choice,) = BOARD["templating"]["list"]
    assert (choice["type"], choice["query"]) == ("datasource", source["type"])
    (provider,) = yaml.safe_load(
        (ROOT_OF_GRAFANA / "provisioning/dashboards/barong.yaml").read_text()
    )["providers"]
    mounts = dict(volume.split(":")[:2] for volume in PARTS["grafana"]["volumes"])
    assert mounts["./grafana/barong.json"] == f"{provider['options']['path']}/barong.json"
    for file in ("datasources/prometheus.yaml", "dashboards/barong.yaml"):
        assert mounts[f"./grafana/provisioning/{file}"] == f"/etc/grafana/provisioning/{file}"


@pytest.fixture
async def grafana() -> AsyncIterator[tuple[str, list[Mapping[str, Any]]]]:
    """An address that takes dashboards as Grafana does, and what came."""
    came: list[Mapping[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer secret":
            return web.json_response({"message": "Invalid API key"}, status=401)
        came.append(await request.json())
        return web.json_response({"uid": "barong", "url": "/d/barong/barong"})

    app = web.Application()
    app.router.add_post("/api/dashboards/db", take)
    async with serving(app) as url:
        yield url, came


async def imported(url: str, token: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *("python3", "-m", "deploy.grafana.import_dashboard", url),
        cwd=ROOT,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "GRAFANA_TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_the_dashboard_is_imported(grafana: tuple[str, list[Mapping[str, Any]]]) -> None:
    url, came = grafana
    assert await imported(url, "secret") == (0, f"{url}/d/barong/barong\n")
    assert came == [{"dashboard": BOARD, "overwrite": True}]


@pytest.mark.parametrize(
    ("url", "token", "said"),
    [
        ("", "wrong", "Grafana answers 401"),
        ("", "", "GRAFANA_TOKEN is not set"),
        ("http://127.0.0.1:1", "secret", "Grafana does not answer"),
        ("file:///etc/passwd", "secret", "no address of HTTP"),
    ],
)
async def test_a_failed_import_says_why(
    grafana: tuple[str, list[Mapping[str, Any]]], url: str, token: str, said: str
) -> None:
    code, output = await imported(url or grafana[0], token)
    assert code == 1
    assert said in output
    assert not grafana[1]
