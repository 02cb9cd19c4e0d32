"""Structured logs: one JSON object a line in production, readable lines in development."""

import logging
import sys

import structlog


def configure_logging(service: str, *, json: bool) -> None:
    """Sends every log of the process to standard output.

    Tracebacks never show local variables: they hold passwords.
    """
    shown: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if json
        else [structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=_plain)]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _naming(service),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, force=True)
    # It logs a traceback for each malformed request; what our own code raises we log ourselves.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)


def _naming(service: str) -> structlog.typing.Processor:
    def name(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    return name


_plain = structlog.dev.plain_traceback
