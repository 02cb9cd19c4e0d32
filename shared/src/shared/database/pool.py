"""A pool of connections to one schema, which may be created before PostgreSQL runs."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared import tracing
from shared.database.query_spans import query_spans
from shared.errors import Unavailable

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"
"""A connection as stores take it: of the pool, or a dedicated one."""

Record: TypeAlias = asyncpg.Record

ACQUIRE_SECONDS = 3.0
_CONNECT_SECONDS = 2.0
_COMMAND_SECONDS = 15.0
LOCK_TIMEOUT = "5s"  # is over before the statement's, which tells of a fault of the query

_GONE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InterfaceError,
    # The server has said that it ends, and its connection is not closed yet.
    asyncpg.InternalClientError,
    asyncpg.TargetServerAttributeNotMatched,
)
"""What asyncpg raises if the server is at fault, or somebody who holds a lock for long."""


class _PooledConnection(asyncpg.Connection):
    """A connection that is not cleaned up when it goes back to the pool.

    Units of work leave nothing in a session (its locks, LISTEN and settings are for dedicated
    connections). So asyncpg's clean-up, a round trip after each, has nothing to do.
    """

    def get_reset_query(self) -> str:
        return ""


class _OverPooler(_PooledConnection):
    """A connection to a pooler, which gives it a server for one transaction at a time.

    A statement outside a transaction gets its own transaction, because the server does not remember
    settings or prepared statements for us. `settings` are SET LOCAL in the statement that begins
    it.
    """

    settings = ""

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        if not args and query.startswith("BEGIN"):
            return await super().execute(f"{query} {self.settings}", **options)
        async with self._a_transaction():
            return await super().execute(query, *args, **options)

    async def executemany(self, *args: Any, **options: Any) -> None:
        async with self._a_transaction():
            await super().executemany(*args, **options)

    async def fetch(self, *args: Any, **options: Any) -> Any:
        async with self._a_transaction():
            return await super().fetch(*args, **options)

    async def fetchrow(self, *args: Any, **options: Any) -> Any:
        async with self._a_transaction():
            return await super().fetchrow(*args, **options)

    async def fetchval(self, *args: Any, **options: Any) -> Any:
        async with self._a_transaction():
            return await super().fetchval(*args, **options)

    @asynccontextmanager
    async def _a_transaction(self) -> AsyncIterator[None]:
        if self.is_in_transaction():
            yield
            return
        async with self.transaction():
            yield


class Database:
    """One schema of one PostgreSQL database."""

    def __init__(
        self,
        dsn: str,
        schema: str,
        *,
        max_connections: int = 10,
        direct_dsn: str = "",
        lock_timeout: str = LOCK_TIMEOUT,
        acquire_seconds: float = ACQUIRE_SECONDS,
    ) -> None:
        """With `direct_dsn`, which leads to PostgreSQL itself, `dsn` leads to a pooler.

        The pooler lends servers for a transaction at a time (PgBouncer's `pool_mode =
        transaction`). LISTEN and locks of a session go to PostgreSQL itself. `lock_timeout` is one
        of PostgreSQL's; `acquire_seconds` is the longest wait for a free connection.
        """
        self.dsn = dsn
        self.schema = schema
        self._max_connections = max_connections
        self._direct_dsn = direct_dsn
        self._lock_timeout = lock_timeout
        self._acquire_seconds = acquire_seconds
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
            init=self._prepare,
            server_settings={"application_name": self._application_name},
            **self._way,
        )
        try:
            yield
        finally:
            self._pool.terminate()
            self._pool = None

    @property
    def _way(self) -> dict[str, Any]:
        """How statements are sent: over a pooler none is prepared under a name."""
        if not self._direct_dsn:
            return {"connection_class": _PooledConnection}
        kind = type("_OverThisPooler", (_OverPooler,), {"settings": self._settings("SET LOCAL")})
        return {"connection_class": kind, "statement_cache_size": 0}

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A unit of work: committed when the block ends, rolled back when it raises.

        Raises `Unavailable` when PostgreSQL cannot be reached or goes away, or when others hold a
        lock for too long (a migration, or a statement by hand), or want it in another order.
        """
        async with self.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection whose statements are transactions of their own; raises `Unavailable`."""
        if self._pool is None:
            raise Unavailable("postgresql")
        try:
            async with self._pool.acquire(timeout=self._acquire_seconds) as connection:
                yield connection
        except _GONE as error:
            raise Unavailable("postgresql") from error

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection of one's own, for session locks and LISTEN; raises `Unavailable`."""
        try:
            connection = await asyncpg.connect(
                self._direct_dsn or self.dsn,
                timeout=_CONNECT_SECONDS,
                command_timeout=_COMMAND_SECONDS,
                server_settings={"application_name": self._application_name},
            )
            try:
                await connection.execute(self._settings("SET"))
                await _read_json(connection)
                yield connection
            finally:
                connection.terminate()
        except _GONE as error:
            raise Unavailable("postgresql") from error

    async def _prepare(self, connection: Any) -> None:
        """Makes a new connection of the pool one of ours.

        Settings are not sent as it is opened: PgBouncer refuses those that it does not know.
        """
        if not self._direct_dsn:
            await connection.execute(self._settings("SET"))
        async with connection.transaction():
            await _read_json(connection)
        if tracing.enabled():
            connection.add_query_logger(query_spans(self.schema))

    @property
    def _application_name(self) -> str:
        return f"{self.schema}-svc"

    def _settings(self, command: str) -> str:
        settings = {
            "search_path": f'"{self.schema}"',
            "statement_timeout": "'10s'",
            "lock_timeout": f"'{self._lock_timeout}'",
            "idle_in_transaction_session_timeout": "'30s'",
        }
        return "; ".join(f"{command} {name} = {value}" for name, value in settings.items())


async def reachable(dsn: str) -> None:
    """Connects once; raises `Unavailable`."""
    try:
        connection = await asyncpg.connect(dsn, timeout=_CONNECT_SECONDS)
    except _GONE as error:
        raise Unavailable("postgresql") from error
    connection.terminate()


async def _read_json(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
    )
