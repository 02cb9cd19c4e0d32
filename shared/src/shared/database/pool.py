"""A pool of connections to one schema, which may be created before PostgreSQL runs."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.errors import Unavailable

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"
"""A connection as stores take it: of the pool, or a dedicated one."""

Record: TypeAlias = asyncpg.Record

_ACQUIRE_SECONDS = 3.0
_CONNECT_SECONDS = 2.0
_COMMAND_SECONDS = 15.0
_LOCK_TIMEOUT = "5s"  # is over before the statement's, which tells of a fault of the query

_GONE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.LockNotAvailableError,
    asyncpg.InterfaceError,
)
"""What asyncpg raises when the server, or whoever holds a lock for long, is at fault."""


class _PooledConnection(asyncpg.Connection):
    """A connection that is handed on as it is.

    Units of work leave nothing in a session (its locks, LISTEN and settings are for dedicated
    connections), so that asyncpg's clean-up, a round trip after each, has nothing to do.
    """

    def get_reset_query(self) -> str:
        return ""


class Database:
    """One schema of one PostgreSQL database."""

    def __init__(self, dsn: str, schema: str, *, max_connections: int = 10) -> None:
        self.dsn = dsn
        self.schema = schema
        self._max_connections = max_connections
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keeps the pool while the service runs; no connection is made before one is needed."""
        self._pool = await asyncpg.create_pool(
            self.dsn,
            min_size=0,
            max_size=self._max_connections,
            timeout=_CONNECT_SECONDS,
            command_timeout=_COMMAND_SECONDS,
            max_inactive_connection_lifetime=300,
            init=_prepare,
            connection_class=_PooledConnection,
            server_settings=self._server_settings(),
        )
        try:
            yield
        finally:
            self._pool.terminate()
            self._pool = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A unit of work: committed when the block ends, rolled back when it raises.

        Raises `Unavailable` when PostgreSQL cannot be reached or goes away, or when others hold a
        lock for too long: a migration, or a statement by hand.
        """
        async with self.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection on which every statement stands for itself; raises `Unavailable`."""
        if self._pool is None:
            raise Unavailable("postgresql")
        try:
            async with self._pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
                yield connection
        except _GONE as error:
            raise Unavailable("postgresql") from error

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection of one's own, for session locks and LISTEN; raises `Unavailable`."""
        try:
            connection = await asyncpg.connect(
                self.dsn,
                timeout=_CONNECT_SECONDS,
                command_timeout=_COMMAND_SECONDS,
                server_settings=self._server_settings(),
            )
            try:
                await _prepare(connection)
                yield connection
            finally:
                connection.terminate()
        except _GONE as error:
            raise Unavailable("postgresql") from error

    def _server_settings(self) -> dict[str, str]:
        return {
            "search_path": self.schema,
            "application_name": f"{self.schema}-svc",
            "statement_timeout": "10s",
            "lock_timeout": _LOCK_TIMEOUT,
            "idle_in_transaction_session_timeout": "30s",
        }


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
    )
