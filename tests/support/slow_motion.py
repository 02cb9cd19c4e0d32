"""Waits of throttled attempts sixty times as long, which no busy machine sits out by chance."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from tests.support.internal import tables_of_identity
from tests.support.system import Installation

FACTOR = 60


def without(seconds: float) -> int:
    """How long a wait of so many seconds, rounded up, is without slow motion."""
    return math.ceil(seconds / FACTOR)


_TRIGGER = f"""
    CREATE OR REPLACE FUNCTION slow_motion() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.blocked_until > now()
            AND (TG_OP = 'INSERT' OR NEW.blocked_until <> OLD.blocked_until)
        THEN
            NEW.blocked_until := now() + {FACTOR} * (NEW.blocked_until - now());
        END IF;
        RETURN NEW;
    END
    $$;
    CREATE OR REPLACE TRIGGER slow_motion
    BEFORE INSERT OR UPDATE ON attempts
    FOR EACH ROW EXECUTE FUNCTION slow_motion();
"""


@asynccontextmanager
async def slow_motion(system: Installation) -> AsyncIterator[None]:
    """While the block lasts, whoever has to wait a second waits a minute."""
    async with tables_of_identity(system) as tables:
        await tables.execute(_TRIGGER)
    yield
    async with tables_of_identity(system) as tables:
        await tables.execute("DROP FUNCTION slow_motion CASCADE")


async def pass_by(system: Installation, seconds: float) -> None:
    """Makes what was attempted so far that much older; `seconds` of a system in slow motion.

    Where it is less than none, nothing is forgiven for that long.
    """
    async with tables_of_identity(system) as tables, tables.transaction():
        await tables.execute("ALTER TABLE attempts DISABLE TRIGGER slow_motion")
        await tables.execute(
            """
            UPDATE attempts
            SET counted_at = counted_at - $1::interval,
                blocked_until = blocked_until - $1::interval
            """,
            timedelta(seconds=seconds),
        )
        await tables.execute("ALTER TABLE attempts ENABLE TRIGGER slow_motion")
