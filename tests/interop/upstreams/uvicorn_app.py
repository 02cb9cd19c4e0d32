"""An upstream for uvicorn, in plain ASGI; behaves like `upstream.js`."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

LATER_SECONDS = 0.03

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    if scope["type"] != "http":
        return
    target = _target(scope)
    behaviour = [*target.split("/"), "", ""][2]
    if behaviour == "early":
        _note(scope, target, b"")
        await _echo(target, send)
        return
    body = await _body(receive)
    if body is None:
        return
    _note(scope, target, body)
    match behaviour:
        case "page":
            text = unquote_to_bytes(target.partition("?")[2])
            await _start(send, 200, target, ("Content-Length", str(len(text))))
            await _later(send, text)
        case "204" | "304":
            await _start(send, int(behaviour), target)
            await send({"type": "http.response.body", "body": b""})
        case "big":
            await _start(send, 200, target, ("Content-Length", "3000000"))
            await send({"type": "http.response.body", "body": bytes(3_000_000)})
        case "close":
            await _start(send, 200, target, ("Content-Length", "0"), ("Connection", "close"))
            await send({"type": "http.response.body", "body": b""})
        case _:
            await _echo(target, send)


def _target(scope: Message) -> str:
    query = scope["query_string"].decode("latin-1")
    path: str = scope["raw_path"].decode("latin-1")
    return f"{path}?{query}" if query else path


async def _body(receive: Receive) -> bytes | None:
    """The whole body, or None when the client closed before its end."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def _start(send: Send, status: int, target: str, *headers: tuple[str, str]) -> None:
    lines = (("X-Seen", target), *headers)
    raw = [(name.encode(), value.encode("latin-1")) for name, value in lines]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _echo(target: str, send: Send) -> None:
    text = f"{target}\n".encode("latin-1")
    await _start(send, 200, target, ("Content-Length", str(len(text))))
    await send({"type": "http.response.body", "body": text})


async def _later(send: Send, text: bytes) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    await asyncio.sleep(LATER_SECONDS)
    await send({"type": "http.response.body", "body": text})


def _note(scope: Message, target: str, body: bytes) -> None:
    line = {
        "method": scope["method"],
        "target": target,
        "connection": scope["client"][1],
        "headers": [[part.decode("latin-1") for part in each] for each in scope["headers"]],
        "trailers": [],
        "size": len(body),
        "body": body[:4096].decode("latin-1"),
    }
    with Path(os.environ["SEEN"]).open("a") as file:
        file.write(json.dumps(line) + "\n")
