"""Creates, changes, lists and deletes API keys, and ends those that may not be used any more."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from resource_svc.api_keys import models, store
from resource_svc.api_keys.events import api_key_event
from resource_svc.api_keys.models import (
    ACTIVE,
    ApiKey,
    SecondFactorDisabled,
    TooManyApiKeys,
    WrongCode,
)
from resource_svc.api_keys.public_key import ed25519_public_key, in_base64url
from resource_svc.api_keys.seal import Seal
from resource_svc.core import Core
from resource_svc.translated import translated
from resource_svc.users.use_cases import Users
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client
from shared.contracts.api_keys import SigningKey
from shared.contracts.events import ReceivedEvent
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.errors import Invalid
from shared.messaging.outbox import Outbox
from shared.web.pagination import PageForm

_ENDED_AT = "api_keys_ended_at"


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """Users' API keys.

    Methods that take a `code` of the user's second factor raise `SecondFactorDisabled`,
    `WrongCode`, `Invalid` with `totp.error`, `Throttled`, `NotFound` or `Unavailable`. identity-svc
    checks the code, and counts the attempts.
    """

    database: Database
    outbox: Outbox
    identity: IdentityClient
    users: Users
    seal: Seal
    vault_shaped_secrets: bool

    async def list(self, uid: str, page: PageForm) -> tuple[Sequence[ApiKey], int]:
        """A page of the user's keys, the oldest first, and how many there are.

        Without a second factor none is shown. Raises `NotFound`.
        """
        if not (await self.users.get(uid)).otp:
            return (), 0
        return await self._page(uid, page)

    async def list_as_admin(self, uid: str, page: PageForm) -> tuple[Sequence[ApiKey], int]:
        """The same for an administrator, whether or not the user has a second factor."""
        await self.users.get(uid)
        return await self._page(uid, page)

    async def list_all(self, uid: str) -> Sequence[ApiKey]:
        """All keys, the oldest first; none for an unknown user."""
        async with self.database.connection() as connection:
            number = await store.count_api_keys(connection, uid)
            return await store.list_api_keys(connection, uid, number, 0)

    async def get(self, kid: str) -> SigningKey:
        """A key with its secret for the gateway, of any user, in any state; raises `NotFound`."""
        async with self.database.connection() as connection:
            found = await store.get_sealed(connection, kid)
        key = found.key
        return SigningKey(
            kid=key.kid,
            uid=key.uid,
            secret=None if found.secret is None else self.seal.open(key.kid, found.secret),
            public_key=None if key.public_key is None else in_base64url(key.public_key),
            scope=tuple(key.scope),
            state=key.state,
            algorithm=key.algorithm,
        )

    async def create(
        self,
        uid: str,
        algorithm: str,
        kid: str | None,
        public_key: str | None,
        scope: Sequence[str],
        code: str,
        client: Client,
    ) -> tuple[ApiKey, str | None]:
        """An active key, and its secret, which is shown only now.

        A key whose public half the user registers has no secret here. Raises `TooManyApiKeys` and
        `Invalid`, too.
        """
        verified_at = await self._verify(uid, code, client)
        faults = [
            *models.algorithm_faults(algorithm, kid),
            *models.public_key_faults(algorithm, public_key),
            *models.scope_faults(scope),
        ]
        if faults:
            raise Invalid(faults)
        new_kid = secrets.token_hex(8)
        registered = None if public_key is None else ed25519_public_key(public_key)
        secret = secrets.token_hex(16) if registered is None else None
        sealed = None if secret is None else self.seal.close(new_kid, secret)
        async with self.users.actor_transaction(uid) as (connection, user):
            await self._check_still_verified(connection, uid, verified_at)
            models.check_owner(user)
            if await store.count_api_keys(connection, uid) >= models.MAX_API_KEYS:
                raise TooManyApiKeys
            key = await store.insert_api_key(
                connection, uid, new_kid, algorithm, scope, sealed, registered
            )
            await self.outbox.add(connection, api_key_event("created", key, user))
        return key, secret

    async def update(
        self,
        uid: str,
        kid: str,
        scope: Sequence[str] | None,
        state: str | None,
        code: str,
        client: Client,
    ) -> ApiKey:
        """The key with another scope or state; the same ones change nothing.

        Raises `Invalid`, too.
        """
        verified_at = await self._verify(uid, code, client)
        async with self.users.actor_transaction(uid) as (connection, user):
            await self._check_still_verified(connection, uid, verified_at)
            key = await store.lock_api_key(connection, uid, kid)
            scope = key.scope if scope is None else [*scope]
            state = key.state if state is None else state
            if faults := [*models.scope_faults(scope), *models.state_faults(state)]:
                raise Invalid(faults)
            if state == ACTIVE:
                models.check_owner(user)
            old = {"scope": key.scope, "state": key.state}
            new = {"scope": scope, "state": state}
            changes = {name: value for name, value in old.items() if new[name] != value}
            if not changes:
                return key
            updated = await store.update_api_key(connection, kid, scope, state)
            await self.outbox.add(connection, api_key_event("updated", updated, user, changes))
        return updated

    async def delete(self, uid: str, kid: str, code: str, client: Client) -> None:
        """Deletes a key."""
        await self._verify(uid, code, client)
        async with self.users.actor_transaction(uid) as (connection, user):
            key = await store.lock_api_key(connection, uid, kid)
            await store.delete_api_key(connection, kid)
            await self.outbox.add(connection, api_key_event("deleted", key, user))

    async def end_all(self, uid: str) -> None:
        """Deactivates all keys of a user whose address was proven, or whose password was reset.

        A code that was accepted before activates none again. identity-svc calls this at once; its
        event has the same effect if it cannot. Raises `NotFound` or `Unavailable`.
        """
        async with self.users.transaction(uid) as (connection, user):
            await self._end_all(connection, user)

    async def end_all_after(self, connection: Connection, event: ReceivedEvent) -> None:
        """The reaction to `system.user.password.reset` and `system.user.email.confirmed`.

        Keys that were made after the event stay if it is late: `end_all` was called at once.
        """
        if _ENDED_AT not in event.snapshot:
            return
        newest = await self.users.upsert_within(connection, User.of(event.snapshot))
        user = await self.users.lock(connection, newest.uid)
        ended_at = await self.users.api_keys_ended_at(connection, user.uid)
        if ended_at is None or ended_at < datetime.fromisoformat(event.snapshot[_ENDED_AT]):
            await self._end_all(connection, user)

    async def deactivate_after(self, connection: Connection, event: ReceivedEvent) -> None:
        """The reaction to `model.user.updated`.

        Deactivates keys when the second factor is turned off or the user stops being active. The
        keys stay inactive when it is turned on again. The change in the event decides, not the
        user's newest state: the event may be late, but it was true. An event about another change,
        from before the second factor was on, deactivates nothing. Locks the user, as the creation
        of a key does.
        """
        then = User.of(event.snapshot)
        newest = await self.users.upsert_within(connection, then)
        lost_second_factor = "otp" in event.changes and not then.otp
        lost_active_state = "state" in event.changes and then.state != "active"
        if lost_second_factor or lost_active_state:
            await self._deactivate(connection, newest)

    async def erase(self, connection: Connection, uid: str) -> None:
        """Deletes all keys of a user who is erased in this transaction."""
        await store.erase(connection, uid)

    async def _page(self, uid: str, page: PageForm) -> tuple[Sequence[ApiKey], int]:
        async with self.database.connection() as connection:
            keys = await store.list_api_keys(connection, uid, *page.window)
            return keys, await store.count_api_keys(connection, uid)

    async def _verify(self, uid: str, code: str, client: Client) -> datetime:
        """A time shortly before the code was accepted and used up."""
        async with self.database.connection() as connection:
            before = await store.current_time(connection)
        with translated({"otp.not_enabled": SecondFactorDisabled, "otp.invalid": WrongCode}):
            await self.identity.verify_code(uid, code, client)
        user = await self.users.get(uid)
        if not user.otp:
            await self.users.fetch(uid)  # its event is on the way
        return before

    async def _check_still_verified(
        self, connection: Connection, uid: str, verified_at: datetime
    ) -> None:
        """Raises `WrongCode` when all keys of a locked user ended after the code was accepted."""
        ended_at = await self.users.api_keys_ended_at(connection, uid)
        if ended_at is not None and ended_at > verified_at:
            raise WrongCode

    async def _end_all(self, connection: Connection, user: User) -> None:
        await self.users.record_end_of_api_keys(connection, user.uid)
        await self._deactivate(connection, user)

    async def _deactivate(self, connection: Connection, user: User) -> None:
        keys = await store.deactivate_api_keys(connection, user.uid)
        await self.outbox.add(
            connection, *(api_key_event("updated", key, user, {"state": ACTIVE}) for key in keys)
        )


def build(core: Core, users: Users) -> ApiKeys:
    """The use cases of API keys."""
    settings = core.settings
    return ApiKeys(
        core.database,
        core.outbox,
        core.identity,
        users,
        Seal(settings.master_keys),
        settings.vault_shaped_secrets,
    )
