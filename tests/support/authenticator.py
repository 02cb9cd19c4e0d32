"""An authenticator on a telephone, and a user who has one."""

import asyncio
import time
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
    """Turns a user's second factor on; the code of this moment still counts afterwards."""
    async with identity_of(client.system) as identity:
        secret, _ = await identity.create_second_factor(uid, AT_HOME)
        authenticator = Authenticator(secret)
        await identity.enable_second_factor(uid, authenticator.code(), None, AT_HOME)
    await forget_used_codes(client, uid)
    return authenticator


async def forget_used_codes(client: Client, uid: str) -> None:
    """Lets the code of this moment count once more."""
    async with tables_of_identity(client.system) as tables:
        await tables.execute("UPDATE second_factors SET last_step = 0 WHERE uid = $1", uid)
