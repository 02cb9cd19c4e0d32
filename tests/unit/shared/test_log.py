"""Logs: in production every line is a JSON object, whoever wrote it."""

import json
import subprocess
import sys
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
