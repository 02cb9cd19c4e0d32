"""Verifies a phone."""

import math
from dataclasses import dataclass

from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.labels.put_private_label import PutPrivateLabel
from resource_svc.phones import store
from resource_svc.phones.codes import Codes
from resource_svc.phones.errors import WrongCode
from resource_svc.phones.number import PhoneNumber
from resource_svc.phones.phone import Attempt
from resource_svc.phones.provider import Provider
from resource_svc.phones.remove_phone import RemovePhone
from resource_svc.phones.rules import MAX_ATTEMPTS
from resource_svc.phones.tell import tell
from resource_svc.users.find_user import FindUser
from resource_svc.users.lock_user import lock_actor
from shared.database.pool import Database
from shared.errors import Throttled
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class VerifyPhone:
    """A number becomes its user's with the code that was sent there, and he phone:verified."""

    database: Database
    outbox: Outbox
    codes: Codes
    provider: Provider
    find_user: FindUser
    remove_phone: RemovePhone
    put_private_label: PutPrivateLabel
    apply_labels: ApplyLabels

    async def __call__(self, uid: str, text: str, code: str) -> None:
        """Raises what is in `phones.errors`, `Throttled` or `Unavailable`."""
        number = PhoneNumber.parse(text)
        await self.find_user(uid)
        attempt = await self._attempt(uid, number)
        is_ours = self.codes.is_right(attempt, code)
        if not await self.provider.accepts(number.e164, code, is_ours=is_ours):
            raise WrongCode
        async with self.database.transaction() as connection:
            user = await lock_actor(connection, uid)
            await self.remove_phone.of_deleted_owner(connection, number.digits)
            await store.count_change(connection, uid)
            phone = await store.set_verified(connection, attempt.phone)
            await tell(connection, self.outbox, "updated", phone, user)
            labels = await self.put_private_label.within(connection, user, "phone", "verified")
        await self.apply_labels(labels)

    async def _attempt(self, uid: str, number: PhoneNumber) -> Attempt:
        """Counted, and committed, before the code is looked at."""
        async with self.database.transaction() as connection:
            await store.refuse_verified(connection, number.digits)
            attempt = await store.count_attempt(connection, uid, number.digits)
        if attempt.seconds_left <= 0:
            raise WrongCode
        if attempt.count > MAX_ATTEMPTS:
            raise Throttled(math.ceil(attempt.seconds_left))
        return attempt
