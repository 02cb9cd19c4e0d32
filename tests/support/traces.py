"""Looking for what is left of somebody: in every column of every table, and in uploaded files."""

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path

import asyncpg

from tests.support.system import Installation

SCHEMAS = ("identity", "resource", "admin", "mailer", "webhooks", "oauth")


async def traces(system: Installation, words: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Where each word stands, as text or in bytes and in whatever case: tables, and `files`."""
    found: dict[str, set[str]] = {word: set() for word in words}
    for schema in SCHEMAS:
        connection = await asyncpg.connect(system.environments[schema]["DATABASE_URL"])
        try:
            for table in await _tables(connection, schema):
                for word in await _in_table(connection, table, found):
                    found[word].add(table)
        finally:
            await connection.close()
    folder = Path(system.environments["resource"]["BARONG_STORAGE_FOLDER"])
    for word in await asyncio.to_thread(_in_files, folder, list(found)):
        found[word].add("files")
    return {word: frozenset(places) for word, places in found.items()}


async def _tables(connection: "asyncpg.Connection[asyncpg.Record]", schema: str) -> list[str]:
    """Every table of a schema that holds rows itself; partitions for themselves."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT table_schema || '.' || table_name AS name
        FROM information_schema.columns
        JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = $1 AND table_type = 'BASE TABLE'
        """,
        schema,
    )
    return [row["name"] for row in rows]


async def _in_table(
    connection: "asyncpg.Connection[asyncpg.Record]", table: str, words: Iterable[str]
) -> list[str]:
    """A row as text has every column in it, whatever their types; bytes as their hex digits."""
    rows = await connection.fetch(
        f"""
        SELECT word
        FROM unnest($1::text[]) AS word
        WHERE EXISTS (
            SELECT
            FROM {table} AS kept
            WHERE strpos(lower(kept::text), lower(word)) > 0
               OR strpos(kept::text, encode(word::bytea, 'hex')) > 0
        )
        """,
        list(words),
    )
    return [row["word"] for row in rows]


def _in_files(folder: Path, words: list[str]) -> set[str]:
    return {word for path in folder.rglob("*") for word in words if _is_in(word, path)}


def _is_in(word: str, path: Path) -> bool:
    if word.lower() in path.name.lower():
        return True
    try:
        return path.is_file() and word.encode() in path.read_bytes()
    except FileNotFoundError:  # another test's, deleted in this moment
        return False
