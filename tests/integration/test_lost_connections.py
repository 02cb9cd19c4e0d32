"""A server that ends tells its clients so before it closes their connections."""

import asyncio
from asyncio import StreamReader, StreamWriter
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from shared.database.pool import Database
from shared.errors import Unavailable
from tests.support.waiting import until


class NeverClosing:
    """A relay to PostgreSQL that passes on what it says, and not that it has closed."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self.closed = False

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(*self._server)
        asking = asyncio.create_task(self._pass_on(reader, to_server))
        await self._pass_on(from_server, writer)
        self.closed = True
        await asking
        writer.close()
        to_server.close()

    @staticmethod
    async def _pass_on(reader: StreamReader, writer: StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)


async def test_a_connection_that_is_about_to_close_is_unavailable(postgres_dsn: str) -> None:
    parts = urlsplit(postgres_dsn)
    relay = NeverClosing(parts.hostname or "", parts.port or 0)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    account = parts.netloc.rpartition("@")[0]
    dsn = urlunsplit(parts._replace(netloc=f"{account}@127.0.0.1:{port}", query="sslmode=disable"))
    async with server:
        database = Database(dsn, "public")
        async with database.opened():
            async with database.connection() as connection:
                number = await connection.fetchval("SELECT pg_backend_pid()")
            operator = await asyncpg.connect(postgres_dsn)
            await operator.execute("SELECT pg_terminate_backend($1)", number)
            await operator.close()

            async def is_closed() -> bool:
                return relay.closed

            await until(is_closed)
            with pytest.raises(Unavailable):
                async with database.transaction() as connection:
                    await connection.execute("SELECT 1")
