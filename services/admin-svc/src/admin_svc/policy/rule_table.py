"""A table of rules: the SQL that the tables of permissions and of restrictions share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

import asyncpg

from admin_svc.policy.models import Rule, StoredRule
from shared.database.pool import Connection
from shared.errors import Invalid, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTable(Generic[Rule]):
    """The table `name`; its `columns` are the fields of a rule, which `make` makes.

    `unique` is the constraint by which a rule is there once. Its violation raises `taken`, after
    which the transaction cannot be used. An unknown id raises `not_found`.
    """

    name: str
    columns: tuple[str, ...]
    make: Callable[..., Rule]
    unique: str
    taken: type[Invalid]
    not_found: type[NotFound]

    async def page(
        self, connection: Connection, limit: int, offset: int, where: str = "true", *values: Any
    ) -> list[StoredRule[Rule]]:
        """One page of the rules that meet a condition with its values, the oldest first."""
        number = len(values)
        rows = await connection.fetch(
            f"""
            SELECT *
            FROM {self.name}
            WHERE {where}
            ORDER BY id
            LIMIT ${number + 1}
            OFFSET ${number + 2}
            """,
            *values,
            limit,
            offset,
        )
        return [self.stored(row) for row in rows]

    async def count(self, connection: Connection, where: str = "true", *values: Any) -> int:
        """The number of rules that meet a condition with its values."""
        number: int = await connection.fetchval(
            f"SELECT count(*) FROM {self.name} WHERE {where}", *values
        )
        return number

    async def get(self, connection: Connection, rule_id: int) -> StoredRule[Rule]:
        """The rule; raises `not_found`."""
        row = await connection.fetchrow(f"SELECT * FROM {self.name} WHERE id = $1", rule_id)
        if row is None:
            raise self.not_found
        return self.stored(row)

    async def insert(self, connection: Connection, rule: Rule) -> StoredRule[Rule]:
        """Adds a rule; raises `taken`."""
        arguments = ", ".join(f"${number}" for number, _ in enumerate(self.columns, 1))
        return await self._write(
            connection,
            f"""
            INSERT INTO {self.name} ({", ".join(self.columns)})
            VALUES ({arguments})
            RETURNING *
            """,
            *self._values(rule),
        )

    async def update(self, connection: Connection, rule_id: int, rule: Rule) -> StoredRule[Rule]:
        """Changes a rule that exists; raises `taken`."""
        columns = ", ".join(f"{column} = ${n}" for n, column in enumerate(self.columns, 2))
        return await self._write(
            connection,
            f"""
            UPDATE {self.name}
            SET {columns}, updated_at = now()
            WHERE id = $1
            RETURNING *
            """,
            rule_id,
            *self._values(rule),
        )

    async def delete(self, connection: Connection, rule_id: int) -> StoredRule[Rule]:
        """Deletes a rule and returns it; raises `not_found`."""
        row = await connection.fetchrow(
            f"DELETE FROM {self.name} WHERE id = $1 RETURNING *", rule_id
        )
        if row is None:
            raise self.not_found
        return self.stored(row)

    def rule(self, row: Any) -> Rule:
        """The rule in a row."""
        return self.make(**{column: row[column] for column in self.columns})

    def stored(self, row: Any) -> StoredRule[Rule]:
        """The row."""
        return StoredRule(row["id"], self.rule(row), row["created_at"], row["updated_at"])

    async def _write(
        self, connection: Connection, statement: str, *values: Any
    ) -> StoredRule[Rule]:
        try:
            row = await connection.fetchrow(statement, *values)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name == self.unique:
                raise self.taken from None
            raise
        return self.stored(row)

    def _values(self, rule: Rule) -> tuple[Any, ...]:
        return tuple(getattr(rule, column) for column in self.columns)
