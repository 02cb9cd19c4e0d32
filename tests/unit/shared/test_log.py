"""Logs: in production every line is a JSON object, whoever wrote it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMMON = {"event", "level", "service", "timestamp"}


def logged(code: str, *, as_json: bool) -> str:
    """What a process of its own writes that configures logs and runs this."""
    script = (
        "import asyncio, logging\n"
        "import structlog\n"
        "from shared.log import configure_logging\n"
        f"configure_logging('a-service', json={as_json})\n{code}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
    return done.stdout


def lines(code: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in logged(code, as_json=True).splitlines()]


FAILING = """
def fail(password):
    raise ValueError("no\\nsuch thing")
try:
    fail("Tr4vel-by-night")
except ValueError:
    {call}
"""


@pytest.mark.parametrize(
    "call", ["structlog.get_logger().exception('failed')", "logging.exception('failed')"]
)
def test_an_exception_is_one_line_without_local_variables(call: str) -> None:
    (line,) = lines(FAILING.format(call=call))
    assert line["event"] == "failed"
    assert line["level"] == "error"
    assert "ValueError: no\nsuch thing" in line["exception"]
    assert "Tr4vel" not in line["exception"]


def test_what_libraries_log_has_the_same_fields() -> None:
    own, other = lines(
        "structlog.get_logger().warning('own', number=1)\n"
        "logging.getLogger('a.library').warning('%s\\nother', 'the')"
    )
    assert own.keys() == COMMON | {"number"}
    assert other.keys() == COMMON | {"logger"}
    assert (other["event"], other["logger"]) == ("the\nother", "a.library")
    assert own["service"] == other["service"] == "a-service"
    assert own["level"] == other["level"] == "warning"
    assert own["timestamp"][:16] <= other["timestamp"][:16]


def test_what_asyncio_says_of_a_lost_task_is_json() -> None:
    (line,) = lines(
        "async def fail(): raise ValueError('lost')\n"
        "async def main(): asyncio.create_task(fail()); await asyncio.sleep(0)\n"
        "asyncio.run(main())"
    )
    assert line["logger"] == "asyncio"
    assert "ValueError: lost" in line["exception"]


def test_development_is_for_reading() -> None:
    text = logged("structlog.get_logger().info('seen')", as_json=False)
    assert "seen" in text
    assert not text.startswith("{")


def test_of_odd_multipart_bodies_nothing_is_written_or_kept() -> None:
    """Python keeps each warning that was shown, and these have the text of a client."""
    written = logged(
        "from aiohttp import multipart\n"
        "for number in range(100):\n"
        "    multipart.parse_content_disposition(f'form-data; {number}')\n"
        "    multipart.parse_content_disposition(f'form-data; a*={number}')\n"
        "print(len(vars(multipart).get('__warningregistry__', ())))",
        as_json=True,
    )
    assert int(written) <= 1


def test_quick_lines_look_like_all_others_whatever_they_say() -> None:
    said = lines(
        "from shared.log import lines_of, members\n"
        "log, write = structlog.get_logger(), lines_of('request')\n"
        "log.info('slow', number=1)\n"
        "write(['\"number\":2,' + members({'name': 'café\\n\"}'}),\n"
        "       members({'number': 2**70}), members({'name': '\\udce9'})])\n"
        "write(['\"number\":3'])\n"
        "log.info('last', name='\\udce9', what=asyncio.Lock)"
    )
    assert [each["event"] for each in said] == ["slow", *["request"] * 4, "last"]
    assert said[1].keys() == COMMON | {"number", "name"}
    assert [each.get("number") for each in said] == [1, 2, 2**70, None, 3, None]
    assert [each.get("name") for each in said[1:]] == ['café\n"}', None, "\udce9", None, "\udce9"]
    assert {(each["level"], each["service"]) for each in said} == {("info", "a-service")}
    assert {each["timestamp"][-1] for each in said} == {"Z"}
    assert [each["timestamp"] for each in said] == sorted(each["timestamp"] for each in said)


def test_quick_lines_are_for_reading_in_development_too() -> None:
    text = logged(
        "from shared.log import lines_of, members\n"
        "lines_of('request')([members({'name': 'café'})])",
        as_json=False,
    )
    assert "request" in text
    assert "café" in text


FULL_DISK = """
import asyncio, resource
import aiohttp
from shared.crypto.key_ring import KeyRing
from shared.log import configure_logging
from shared.tokens.service import ServiceTokens
from shared.web.applications import WebLayer
from shared.web.metrics import Registry
from tests.unit.shared.builders import KEYS, listening

async def main():
    tokens = ServiceTokens("x", KeyRing.parse(KEYS))
    app = WebLayer(Registry()).internal((), service_tokens=tokens, checks={})
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with listening(app) as address, aiohttp.ClientSession() as http:
        for number, room in enumerate((most, 0, most)):
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, most))
            headers = {"X-Request-Id": f"call-{number}"}
            async with http.get(f"{address}/health/live", headers=headers) as response:
                assert response.status == 200

configure_logging("a-service", json=True)
asyncio.run(main())
"""


def test_a_disk_that_was_full_loses_only_the_lines_of_that_time(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with file.open("wb") as output:
        subprocess.run([sys.executable, "-c", FULL_DISK], stdout=output, timeout=60, check=True)
    said = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    requests = [line["request_id"] for line in said if line["event"] == "request"]
    assert requests == ["call-0", "call-2"]
