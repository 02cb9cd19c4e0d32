"""Takes mails at port 1025, and shows them at 8025 as mailpit does; see the Dockerfile."""

import asyncio
import email
import json
from asyncio import StreamReader, StreamWriter
from email import policy

_MAILS: dict[str, dict[str, object]] = {}
_REPLIES = {"EHLO": "250 mail", "HELO": "250 mail", "DATA": "354 go on"}


async def _smtp(reader: StreamReader, writer: StreamWriter) -> None:
    recipients: list[str] = []
    writer.write(b"220 mail\r\n")
    while line := await reader.readline():
        verb = line[:4].upper().decode()
        if verb == "RCPT":
            recipients.append(line.decode().partition("<")[2].partition(">")[0])
        writer.write(f"{_REPLIES.get(verb, '250 OK')}\r\n".encode())
        if verb == "DATA":
            content = (await reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n")
            _store(content, recipients)
            recipients = []
            writer.write(b"250 stored\r\n")
        await writer.drain()
        if verb == "QUIT":
            break
    writer.close()


def _store(content: bytes, recipients: list[str]) -> None:
    message = email.message_from_bytes(content, policy=policy.default)
    body = message.get_body(("plain", "html"))
    _MAILS[str(len(_MAILS))] = {
        "ID": str(len(_MAILS)),
        "To": [{"Address": each} for each in recipients],
        "Subject": str(message["Subject"]),
        "Text": body.get_content() if body else "",
    }


async def _http(reader: StreamReader, writer: StreamWriter) -> None:
    path = (await reader.readline()).split()[1].decode().partition("?")[0]
    while (await reader.readline()).strip():
        pass
    answer: object = "ok"
    if path == "/api/v1/messages":
        answer = {"messages": [_summary(each) for each in reversed(_MAILS.values())]}
    elif path.startswith("/api/v1/message/"):
        answer = _MAILS.get(path.rpartition("/")[2], {})
    body = json.dumps(answer).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\n")
    writer.write(b"content-length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    writer.close()


def _summary(mail: dict[str, object]) -> dict[str, object]:
    return {name: mail[name] for name in ("ID", "To", "Subject")}


async def _main() -> None:
    await asyncio.start_server(_smtp, "0.0.0.0", 1025)  # noqa: S104 - a pod's own address
    server = await asyncio.start_server(_http, "0.0.0.0", 8025)  # noqa: S104
    await server.serve_forever()


asyncio.run(_main())
