"""Changes the password of who knows the old one."""

import uuid
from dataclasses import dataclass

from identity_svc.activities import deeds
from identity_svc.activities.record import RecordActivities
from identity_svc.passwords import store
from identity_svc.passwords.errors import PasswordsDiffer, SamePassword, WrongPassword
from identity_svc.passwords.events import password_changed
from identity_svc.passwords.hasher import PasswordHasher
from identity_svc.passwords.rules import PasswordRules
from identity_svc.passwords.set_password import SetPassword
from identity_svc.passwords.verify_password import VerifyPassword
from shared.contracts.activities import Client
from shared.contracts.users import User
from shared.database.pool import Database
from shared.errors import Invalid
from shared.messaging.outbox import Outbox
from shared.text import composed


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """All sessions end but the one in which this is done."""

    database: Database
    outbox: Outbox
    hasher: PasswordHasher
    password_rules: PasswordRules
    verify_password: VerifyPassword
    set_password: SetPassword
    record: RecordActivities
    domain: str

    async def __call__(
        self,
        uid: str,
        old: str,
        new: str,
        confirmation: str,
        sid: uuid.UUID | None,
        client: Client,
    ) -> User:
        """The user as they are now.

        Raises `PasswordsDiffer`, `UserNotFound`, `WrongPassword`, `SamePassword`, `Invalid` with
        what the new password lacks, or `Throttled`.
        """
        async with self.record.refusals(uid, client, deeds.CHANGE_PASSWORD):
            if composed(new) != composed(confirmation):
                raise PasswordsDiffer
            return await self._change(uid, old, new, sid, client)

    async def _change(
        self, uid: str, old: str, new: str, sid: uuid.UUID | None, client: Client
    ) -> User:
        verified = await self.verify_password(uid, old, client)
        if composed(new) == composed(old):
            raise SamePassword
        if faults := self.password_rules.faults(new):
            raise Invalid(faults)
        digest = await self.hasher.digest(new)
        async with self.database.transaction() as connection:
            if not await store.lock_password(connection, uid, verified.version):
                raise WrongPassword  # it was changed while this was under way
            user = await self.set_password(connection, uid, digest, but=sid)
            await self.outbox.add(connection, password_changed(user, self.domain))
            await self.record.success(connection, uid, client, deeds.CHANGE_PASSWORD)
        return user
