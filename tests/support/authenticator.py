"""An authenticator on a telephone, and a user who has one."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pyotp

from tests.support.client import Client
from tests.support.internal import AT_HOME, identity_of, tables_of_identity

_STEP = 30


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Makes codes of a secret."""

    secret: str

    def code(self, offset: int = 0) -> str:
        """The code of this moment, or of a step some way off."""
        return pyotp.TOTP(self.secret).at(time.time(), counter_offset=offset)

    def wrong_code(self) -> str:
        """A code that no step near this moment has."""
        near = {self.code(offset) for offset in range(-3, 4)}
        return next(code for n in range(10) if (code := f"{n:06}") not in near)


async def early_in_a_step() -> None:
    """Returns when a step has some seconds left, so that a test sees one step only."""
    if (left := _STEP - time.time() % _STEP) < 5:
        await asyncio.sleep(left)


async def second_factor_of(client: Client, uid: str) -> Authenticator:
    """Turns a user's second factor on; the code of this moment still counts afterwards.

    All sessions of the user end, as it is done in one that lives no longer than this.
    """
    async with identity_of(client.system) as identity, session_of(client, uid) as sid:
        secret, _ = await identity.create_second_factor(uid, sid, AT_HOME)
        authenticator = Authenticator(secret)
        await identity.enable_second_factor(uid, authenticator.code(), sid, AT_HOME)
    await forget_used_codes(client, uid)
    return authenticator


@asynccontextmanager
async def session_of(client: Client, uid: str) -> AsyncIterator[str]:
    """The sid of a session that was opened with a password just now, and has no cookie."""
    sid = str(uuid.uuid4())
    async with tables_of_identity(client.system) as tables:
        await tables.execute(
            "INSERT INTO sessions (sid, key, csrf_digest, uid, user_agent, address, network,"
            " expires_at, absolute_expires_at) VALUES ($1, $2, $2, $3, '', '192.0.2.1',"
            " '192.0.0.0/16', now() + interval '1 hour', now() + interval '1 hour')",
            sid,
            uuid.uuid4().hex * 2,
            uid,
        )
        yield sid
        await tables.execute("DELETE FROM sessions WHERE sid = $1", sid)


async def forget_used_codes(client: Client, uid: str) -> None:
    """Lets the code of this moment count once more."""
    async with tables_of_identity(client.system) as tables:
        await tables.execute("UPDATE second_factors SET last_step = 0 WHERE uid = $1", uid)
