"""Adds, verifies, lists and deletes phones."""

import math
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from prometheus_client import Counter

from resource_svc.attachments.events import with_snapshot
from resource_svc.core import Core
from resource_svc.labels.use_cases import Labels
from resource_svc.phones import store
from resource_svc.phones.codes import Codes, Destinations, codes_counter
from resource_svc.phones.events import Happening, phone_event
from resource_svc.phones.models import (
    CODE_SECONDS,
    HOUR,
    MAX_ATTEMPTS,
    MAX_PHONES,
    PER_NUMBER,
    PER_USER,
    PER_USER_AND_NUMBER,
    Attempt,
    CeilingReached,
    InvalidChannel,
    Limit,
    NumberTaken,
    Phone,
    PhoneNumber,
    TooManyPhones,
    WrongCode,
)
from resource_svc.phones.providers import Provider, configured_provider
from resource_svc.phones.store import PHONE_TABLE
from resource_svc.users.use_cases import Users
from shared.contracts.attachments import AttachmentSnapshot
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.errors import Refusal, Throttled
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Phones:
    """Users' phones, and the private label phone:verified of those who have verified one."""

    database: Database
    outbox: Outbox
    users: Users
    labels: Labels
    provider: Provider
    codes: Codes
    destinations: Destinations
    counter: Counter
    codes_per_hour: int
    """For all users together; 0 for no limit."""

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Keeps connections to the provider for the time of the block."""
        return self.provider.opened()

    async def list(self, uid: str) -> Sequence[Phone]:
        """All phones of a user, verified or not, the oldest first; none for an unknown user."""
        async with self.database.connection() as connection:
            return await PHONE_TABLE.list(connection, uid)

    async def create(self, uid: str, text: str, channel: str) -> None:
        """Adds a phone, and sends a code to it.

        The code is sent after the commit: no transaction waits for a provider. A phone to which
        no code could be sent is deleted, so that it can be added again. Raises what is in
        `phones.models`, `Throttled` or `Unavailable`.
        """
        number = self._checked(text, channel)
        async with self.users.actor_transaction(uid) as (connection, user):
            await store.lock(connection, uid, number.digits)
            await self._check_not_taken(connection, number)
            await PHONE_TABLE.next_version(connection, uid)
            phone = await store.insert_phone(connection, uid, number)
            if await store.count_phones(connection, uid) > MAX_PHONES:
                raise TooManyPhones
            code = await self._issue_code(connection, phone)
            await self._publish(connection, "created", phone, user)
        try:
            await self.provider.send(number.e164, code, channel)
        except Refusal:
            await self._delete_unsent(phone, code)
            raise

    async def send_code(self, uid: str, text: str, channel: str) -> None:
        """Sends a new code to a phone that the user has added; the last one is void.

        Raises what is in `phones.models`, `Throttled` or `Unavailable`.
        """
        number = self._checked(text, channel)
        async with self.users.actor_transaction(uid) as (connection, _user):
            await store.lock(connection, uid, number.digits)
            await self._check_not_taken(connection, number)
            phone = await store.get_phone(connection, uid, number.digits)
            code = await self._issue_code(connection, phone)
        await self.provider.send(number.e164, code, channel)

    async def verify(self, uid: str, text: str, code: str) -> None:
        """Verifies a phone with the code that was sent to it.

        Raises what is in `phones.models`, `Throttled` or `Unavailable`.
        """
        number = PhoneNumber.parse(text)
        await self.users.get(uid)
        attempt = await self._attempt(uid, number)
        is_ours = self.codes.is_right(attempt, code)
        if not await self.provider.accepts(number.e164, code, is_ours=is_ours):
            raise WrongCode
        async with self.users.actor_transaction(uid) as (connection, user):
            await self._release(connection, number.digits)
            await PHONE_TABLE.next_version(connection, uid)
            phone = await store.set_verified(connection, attempt.phone)
            await self._publish(connection, "updated", phone, user)
            labels = await self.labels.upsert_private(connection, user, "phone", "verified")
        await self.labels.apply(labels)

    async def delete(self, uid: str, text: str) -> None:
        """Deletes a phone; everybody may add the number again.

        With the last verified phone goes the label phone:verified. Raises `InvalidNumber`,
        `UnknownPhone`, `NotFound` or `Unavailable`.
        """
        number = PhoneNumber.parse(text)
        async with self.users.transaction(uid) as (connection, user):
            labels = await self._delete(connection, user, number.digits)
        if labels is not None:
            await self.labels.apply(labels)

    async def snapshots(
        self, connection: Connection, uids: Sequence[str]
    ) -> Sequence[AttachmentSnapshot]:
        """The snapshots of these users' phones."""
        return await PHONE_TABLE.snapshots(connection, uids)

    async def erase(self, connection: Connection, uid: str) -> None:
        """Deletes everything about a user who is erased in this transaction."""
        await store.erase(connection, uid)

    def _checked(self, text: str, channel: str) -> PhoneNumber:
        """A number that codes are sent to, by this channel."""
        if channel not in self.provider.channels:
            raise InvalidChannel
        number = PhoneNumber.parse(text)
        self.destinations.check(number)
        return number

    async def _issue_code(self, connection: Connection, phone: Phone) -> str:
        """A new code for a phone whose user and number are locked.

        Raises `Throttled` or `CeilingReached`.
        """
        await self._check_limits(connection, phone)
        code = self.codes.new()
        await store.record_send(connection, phone)
        await store.set_code(connection, phone, self.codes.digest(phone, code), CODE_SECONDS)
        self.counter.labels("issued").inc()
        return code

    async def _check_limits(self, connection: Connection, phone: Phone) -> None:
        """Limits codes, because messages cost and annoy.

        Per user and number, so that nobody uses up what the owner of a number may request; per
        number, so that many users together do not flood it; per user; and over all users.
        """
        uid, number = phone.uid, phone.number
        own = max(
            await store.wait_for(connection, PER_USER_AND_NUMBER, uid=uid, number=number),
            await store.wait_for(connection, PER_USER, uid=uid),
        )
        if own:
            self.counter.labels("user").inc()
            raise Throttled(math.ceil(own))
        if wait := await store.wait_for(connection, PER_NUMBER, number=number):
            self.counter.labels("number").inc()
            raise Throttled(math.ceil(wait))
        if not self.codes_per_hour:
            return
        await store.lock_ceiling(connection)
        if wait := await store.wait_for(connection, [Limit(self.codes_per_hour, HOUR)]):
            self.counter.labels("ceiling").inc()
            raise CeilingReached(math.ceil(wait))

    async def _attempt(self, uid: str, number: PhoneNumber) -> Attempt:
        """Counts an attempt, and commits it, before the code is compared."""
        async with self.database.transaction() as connection:
            await self._check_not_taken(connection, number)
            attempt = await store.count_attempt(connection, uid, number.digits)
        if attempt.seconds_left <= 0:
            raise WrongCode
        if attempt.count > MAX_ATTEMPTS:
            raise Throttled(math.ceil(attempt.seconds_left))
        return attempt

    async def _delete_unsent(self, phone: Phone, code: str) -> None:
        """Deletes a phone to which this code could not be sent."""
        async with self.users.transaction(phone.uid) as (connection, user):
            await PHONE_TABLE.next_version(connection, phone.uid)
            if await store.delete_unsent(connection, phone, self.codes.digest(phone, code)):
                await self._publish(connection, "deleted", phone, user)

    async def _check_not_taken(self, connection: Connection, number: PhoneNumber) -> None:
        """Raises `NumberTaken` if somebody has verified it, unless their account is deleted."""
        uid = await store.find_owner(connection, number.digits)
        if uid is None:
            return
        owner = await self.users.find(connection, uid)
        if owner is None or owner.state != "deleted":
            raise NumberTaken

    async def _release(self, connection: Connection, number: str) -> None:
        """Takes a verified number from its owner if their account is deleted.

        Comes after the lock on the user who verifies the number. A deleted user verifies none, so
        that no two transactions wait for each other. identity-svc learns of the label by its event.
        """
        uid = await store.find_owner(connection, number)
        owner = await self.users.find(connection, uid, lock=True) if uid else None
        if owner is not None and owner.state == "deleted":
            await self._delete(connection, owner, number)

    async def _delete(
        self, connection: Connection, user: User, number: str
    ) -> PrivateLabels | None:
        """The user's private labels if one of them was removed with the phone."""
        await PHONE_TABLE.next_version(connection, user.uid)
        phone = await store.delete_phone(connection, user.uid, number)
        await self._publish(connection, "deleted", phone, user)
        if phone.validated_at is None or await store.has_verified(connection, user.uid):
            return None
        return await self.labels.delete_private(connection, user, "phone", only="verified")

    async def _publish(
        self, connection: Connection, happening: Happening, phone: Phone, user: User
    ) -> None:
        """Adds the event of a change, whose version was counted, to the outbox."""
        snapshot = await PHONE_TABLE.snapshot(connection, phone.uid)
        event = with_snapshot(phone_event(happening, phone, user), snapshot)
        await self.outbox.add(connection, event)


def build(core: Core, users: Users, labels: Labels) -> Phones:
    """The use cases of phones."""
    settings, counter = core.settings, codes_counter(core.registry)
    return Phones(
        core.database,
        core.outbox,
        users,
        labels,
        configured_provider(settings),
        Codes(settings.master_keys),
        Destinations(settings.phone_countries, settings.phone_kinds, counter),
        counter,
        settings.phone_codes_per_hour,
    )
