"""The outside world of mailer-svc: mail servers that behave well, badly, or not at all."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

LOCALHOST = "127.0.0.1"
HANG = "hang"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A mail that was taken."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    encrypted: bool


def text(message: EmailMessage) -> str:
    """The plain text of a mail, its lines ended as in the templates."""
    body = message.get_body(("plain",))
    assert body is not None
    content: str = body.get_content()
    return content.replace("\r\n", "\n")


@dataclass(slots=True)
class MailServer:
    """Takes every mail, but where `replies` has another answer to MAIL, RCPT or DATA."""

    replies: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0
    port: int = 0
    deliveries: list[Delivery] = field(default_factory=list)
    received: int = 0
    """Mails that came, whatever became of them."""

    async def _reply(self, verb: str, accepted: str) -> str:
        reply = self.replies.get(verb, accepted)
        if reply == HANG:
            await asyncio.sleep(60)
        return reply

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self._reply("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self._reply("RCPT", "250 OK")

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.received += 1
        reply = await self._reply("DATA", "250 OK")
        await asyncio.sleep(self.seconds)
        if reply.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=policy.SMTPUTF8)
            assert isinstance(message, EmailMessage)
            self.deliveries.append(
                Delivery(
                    envelope.mail_from or "",
                    tuple(envelope.rcpt_tos),
                    message,
                    encrypted=session.ssl is not None,
                )
            )
        return reply


@asynccontextmanager
async def mail_server(
    replies: Mapping[str, str] | None = None,
    *,
    password: str | None = None,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    utf8: bool = False,
    seconds: float = 0,
    port: int = 0,
) -> AsyncIterator[MailServer]:
    """A mail server for the time of the block; who logs in needs `password`.

    `seconds` is how long it thinks about a mail before it takes it.
    """
    handler = MailServer(replies or {}, seconds)
    loop = asyncio.get_running_loop()

    def authenticate(*arguments: Any) -> Any:
        right = arguments[-1].password == (password or "").encode()
        return AuthResult(success=right, handled=right)

    server = await loop.create_server(
        lambda: SMTP(
            handler,
            loop=loop,
            enable_SMTPUTF8=utf8,
            tls_context=starttls,
            authenticator=authenticate,
            auth_require_tls=False,
        ),
        LOCALHOST,
        port,
        ssl=tls,
    )
    handler.port = server.sockets[0].getsockname()[1]
    try:
        yield handler
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def greeting(words: str) -> AsyncIterator[int]:
    """The port of a server that says one thing, or with `HANG` nothing, and takes no mail."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if words != HANG:
            writer.write(f"{words}\r\n".encode())
        await reader.read()
        writer.close()

    async with _listening(greet) as port:
        yield port


@asynccontextmanager
async def _listening(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    server = await asyncio.start_server(answer, LOCALHOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
