"""An upstream for gunicorn, in plain WSGI; behaves like `upstream.js`."""

import json
import os
import select
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

LATER_SECONDS = 0.2

Environ = dict[str, Any]
Start = Callable[[str, list[tuple[str, str]]], object]


def app(environ: Environ, start: Start) -> Iterable[bytes]:
    """The WSGI application."""
    target: str = environ["RAW_URI"]
    behaviour = [*target.split("/"), "", ""][2]
    seen = ("X-Seen", target)
    if behaviour == "early":
        _note(environ, b"")
        return _echo(environ, start)
    body = environ["wsgi.input"].read()
    _note(environ, body)
    text = unquote_to_bytes(target.partition("?")[2])
    match behaviour:
        case "page":
            start("200 OK", [seen, ("Content-Length", str(len(text)))])
            return _later(environ, text)
        case "204":
            start("204 No Content", [seen])
            return _later(environ, text)
        case "304":
            start("304 Not Modified", [seen])
            return _later(environ, text)
        case "hints":
            environ["gunicorn.socket"].sendall(
                b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n"
                b"Server: gunicorn\r\nAccess-Control-Allow-Origin: https://evil.example\r\n"
                b"Access-Control-Allow-Credentials: true\r\nX-Request-Id: of the upstream\r\n\r\n"
            )
        case "big":
            start("200 OK", [seen, ("Content-Length", "3000000")])
            return (bytes(100_000) for _ in range(30))
        case "close":
            start("200 OK", [seen, ("Content-Length", "0"), ("Connection", "close")])
            return []
    return _echo(environ, start)


def _echo(environ: Environ, start: Start) -> Iterable[bytes]:
    target: str = environ["RAW_URI"]
    text = f"{target}\n".encode("latin-1")
    start("200 OK", [("X-Seen", target), ("Content-Length", str(len(text)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [text]


def _later(environ: Environ, text: bytes) -> Iterator[bytes]:
    """The head at once, and the body when another request or the end of the connection arrives.

    Also to HEAD, 204 and 304: WSGI expects the application to send no body.
    """
    yield b""
    connection: socket.socket = environ["gunicorn.socket"]
    select.select([connection], [], [], LATER_SECONDS)
    yield text


def _note(environ: Environ, body: bytes) -> None:
    headers = [
        (name.removeprefix("HTTP_").replace("_", "-"), value)
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_LENGTH", "CONTENT_TYPE")
    ]
    line = {
        "method": environ["REQUEST_METHOD"],
        "target": environ["RAW_URI"],
        "connection": int(environ["REMOTE_PORT"]),
        "headers": headers,
        "trailers": [],
        "size": len(body),
        "body": body[:4096].decode("latin-1"),
    }
    with Path(os.environ["SEEN"]).open("a") as file:
        file.write(json.dumps(line) + "\n")
