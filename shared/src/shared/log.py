"""Structured logs: one JSON object a line in production, readable lines in development."""

import io
import json as python_json
import logging
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TextIO

import orjson
import structlog
from aiohttp import BadContentDispositionHeader, BadContentDispositionParam

from shared import tracing

Lines = Callable[[Sequence[str]], None]
"""Writes a line of each of these fields, which are as `members` renders them."""


def configure_logging(service: str, *, json: bool) -> None:
    """Sends all logs of the process to standard output.

    Tracebacks never show local variables: they hold passwords.
    """
    shown: list[structlog.typing.Processor] = (
        [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_rendered),
        ]
        if json
        else [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=_plain)]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _add_trace_id,
            _naming(service),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=(
            _JsonLines(service, _unbuffered(sys.stdout))
            if json
            else structlog.WriteLoggerFactory(sys.stdout)
        ),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    if json:
        handler.setFormatter(_JsonFormatter(service))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # It logs a traceback for each malformed request; what our own code raises we log ourselves.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    # Python stores each text of a warning for good: clients could fill the memory with theirs.
    for category in (BadContentDispositionHeader, BadContentDispositionParam):
        warnings.simplefilter("ignore", category)


def lines_of(event: str) -> Lines:
    """Writes lines that are named `event`, with their own fields and nothing of the context.

    They look like all others. Where they are JSON, those that are written together are one write,
    have one timestamp, and cost next to nothing.
    """
    factory = structlog.get_config()["logger_factory"]
    if isinstance(factory, _JsonLines):
        return factory.of(event)
    log = structlog.get_logger()

    def write(lines: Sequence[str]) -> None:
        for fields in lines:
            log.info(event, **python_json.loads(f"{{{fields}}}"))

    return write


def members(fields: Mapping[str, Any]) -> str:
    """Fields as JSON, without the braces around them: of many lines, most are the same."""
    return _rendered(fields)[1:-2].decode()


def _unbuffered(output: TextIO) -> io.RawIOBase:
    """The raw file below a text file's buffers, which are flushed first."""
    output.flush()
    raw = getattr(output.buffer, "raw", output.buffer)
    return raw if isinstance(raw, io.RawIOBase) else io.FileIO(output.fileno(), "w", closefd=False)


class _JsonLines:
    """Makes the loggers of a process that logs JSON; each line is one write."""

    def __init__(self, service: str, output: io.RawIOBase) -> None:
        self._service = service
        self._output = output

    def __call__(self, *_args: Any) -> "_JsonLines":
        return self

    def msg(self, message: bytes) -> None:
        """Writes a line."""
        self._output.write(message)

    debug = info = warning = error = critical = exception = msg

    def of(self, event: str) -> Lines:
        """A writer of lines that are named `event`."""
        constant = members({"event": event, "service": self._service, "level": "info"})

        def write(lines: Sequence[str]) -> None:
            end = f",{constant},{members({'timestamp': datetime.now(UTC)})}}}\n"
            self._output.write(("{" + f"{end}{{".join(lines) + end).encode())

        return write


class _JsonFormatter(logging.Formatter):
    """Logs of libraries, above all asyncio, as lines like ours."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message and the traceback have."""
        exception = {"exception": self.formatException(record.exc_info)} if record.exc_info else {}
        fields = {
            "event": record.getMessage(),
            "logger": record.name,
            "service": self._service,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC),
        }
        return _rendered(fields | exception).decode().rstrip()


def _rendered(fields: Mapping[str, Any], default: Callable[[Any], Any] | None = None) -> bytes:
    try:
        return orjson.dumps(fields, default, orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # a number of more than 64 bits, or bytes of a client that are no UTF-8
        return python_json.dumps(fields, default=partial(_text, default)).encode() + b"\n"


def _text(default: Callable[[Any], Any] | None, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value) if default is None else default(value)


def _naming(service: str) -> structlog.typing.Processor:
    def name(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    return name


def _add_trace_id(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Adds the id of the trace, where one is recorded, so that lines lead to it."""
    if trace_id := tracing.trace_id():
        event["trace_id"] = trace_id
    return event


_plain = structlog.dev.plain_traceback
