"""Secrets of authenticators, sealed, and the codes that they make."""

import time
from dataclasses import dataclass

from identity_svc.second_factor import store
from identity_svc.second_factor.models import Factor, NotEnabled, WrongCode
from identity_svc.second_factor.totp import matching_step
from shared.contracts.refusals import UsedCode
from shared.crypto.key_ring import KeyRing
from shared.database.pool import Connection
from shared.database.reencrypt import SealedColumn


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Uses up codes in the transaction that they allow; the caller limits the attempts."""

    ring: KeyRing

    def seal(self, uid: str, secret: str) -> bytes:
        """The secret as it may lie in the table."""
        return self.ring.encrypt(secret.encode(), _context(uid))

    async def accept(self, connection: Connection, uid: str, code: str) -> None:
        """Uses up a code; raises `NotEnabled`, `WrongCode` or `UsedCode`."""
        factor = await store.find_factor(connection, uid)
        if factor is None or not factor.enabled:
            raise NotEnabled
        await self._use(connection, uid, factor, code)

    async def accept_first(self, connection: Connection, uid: str, code: str) -> None:
        """The same for a secret that is not enabled yet; without one, every code is wrong."""
        factor = await store.find_factor(connection, uid)
        if factor is None:
            raise WrongCode
        await self._use(connection, uid, factor, code)

    async def _use(self, connection: Connection, uid: str, factor: Factor, code: str) -> None:
        secret = self.ring.decrypt(factor.sealed, _context(uid)).decode()
        step = matching_step(secret, code, time.time())
        if step is None:
            raise WrongCode
        if not await store.use_step(connection, uid, factor.sealed, step):
            raise UsedCode


def _context(uid: str) -> str:
    return f"second_factors.secret:{uid}"


SEALED = SealedColumn("second_factors", "uid", "secret", _context)
"""The secrets of all users, for re-encryption."""
