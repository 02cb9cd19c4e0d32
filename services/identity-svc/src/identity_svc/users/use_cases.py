"""Accounts: who there is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from identity_svc.core import Core
from identity_svc.users import store
from identity_svc.users.events import user_updated
from identity_svc.users.models import (
    Credentials,
    EmailTaken,
    ImportedUser,
    NewUser,
    Status,
    UserNotFound,
    data_faults,
)
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import MAY_ACT, User
from shared.database.pool import Connection, Database
from shared.errors import Invalid, UserNotActive
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Users:
    """All access to the table `users`.

    Methods that take a connection are steps of other features' transactions. Those that change a
    user write `model.user.updated` as well; if nothing that the event's record shows has changed,
    its `changes` are empty.
    """

    database: Database
    outbox: Outbox

    async def get(self, uid: str) -> User:
        """The user as they are now; raises `UserNotFound`."""
        async with self.database.connection() as connection:
            return await store.user_by_uid(connection, uid)

    async def list(self, after: str, limit: int) -> Sequence[User]:
        """At most `limit` users whose uids come after `after`, in the order of their uids.

        `after` need not be the uid of a user.
        """
        async with self.database.connection() as connection:
            return await store.users_after(connection, after, limit)

    async def change_data(self, uid: str, data: str) -> User:
        """The user with other data; the same data change nothing.

        Raises `Invalid`, `UserNotFound` or `UserNotActive`.
        """
        if faults := data_faults(data):
            raise Invalid(faults)
        async with self.database.transaction() as connection:
            user = await self.lock_active(connection, uid)
            if user.data == data:
                return user
            changed = await store.set_data(connection, uid, data)
            await self.outbox.add(connection, user_updated(changed, {}))
        return changed

    async def create(self, connection: Connection, new: NewUser) -> User:
        """A new user; raises `EmailTaken` or `UidTaken`, after which the transaction is lost.

        The caller writes the event, together with those of their own.
        """
        return await store.insert_user(connection, new)

    async def uid_exists(self, connection: Connection, uid: str) -> bool:
        """Whether there is such a user."""
        return await store.uid_exists(connection, uid)

    async def email_exists(
        self, connection: Connection, email: str, *, but: str | None = None
    ) -> bool:
        """Whether another user than `but` has this e-mail, or may take it back; in any case."""
        return await store.email_exists(connection, email, but)

    async def find_and_lock(self, connection: Connection, uid: str) -> User | None:
        """Returns the user and locks the row until the transaction ends."""
        return await store.lock_user_by_uid(connection, uid)

    async def find_and_lock_by_email(self, connection: Connection, email: str) -> User | None:
        """Returns the user with this e-mail, in whatever case, and locks the row."""
        return await store.lock_user_by_email(connection, email)

    async def lock_active(self, connection: Connection, uid: str) -> User:
        """Returns the user and locks the row until the transaction ends.

        Raises `UserNotFound`, and `UserNotActive` if they may not act any more.
        """
        user = await store.lock_user_by_uid(connection, uid)
        if user is None:
            raise UserNotFound
        if user.state not in MAY_ACT:
            raise UserNotActive
        return user

    async def lock_all(self, connection: Connection, uids: Collection[str]) -> Mapping[str, User]:
        """Returns those of these users who exist, by uid, and locks their rows."""
        return await store.lock_users(connection, uids)

    async def find_and_lock_for_log_in(
        self, connection: Connection, uid: str, password_version: int
    ) -> User | None:
        """Returns the user and locks the row, if the password is still the same; None if it is not.

        Until the transaction ends, nobody changes the user's status or password, and no other
        log-in of theirs passes here.
        """
        return await store.lock_for_log_in(connection, uid, password_version)

    async def set_role(self, connection: Connection, before: User, role: str) -> User:
        """The locked user in another role."""
        after = await store.set_role(connection, before.uid, role)
        await self.outbox.add(connection, user_updated(after, {"role": before.role}))
        return after

    async def set_second_factor(self, connection: Connection, uid: str, enabled: bool) -> User:
        """The locked user with their second factor on or off."""
        after = await store.set_otp(connection, uid, enabled)
        await self.outbox.add(connection, user_updated(after, {"otp": not enabled}))
        return after

    async def set_email(
        self, connection: Connection, before: User, email: str, reserved_seconds: int
    ) -> User:
        """The locked user with another e-mail.

        Nobody else gets the old one for so many seconds. With 0, the user gets a former address
        back: that address and the one after it are released. Raises `EmailTaken`.
        """
        if await store.email_exists(connection, email, before.uid):
            raise EmailTaken
        after = await store.set_email(connection, before.uid, email)
        if reserved_seconds:
            await store.reserve_email(connection, before.uid, before.email, reserved_seconds)
        else:
            await store.release_emails_since(connection, before.uid, email)
        await self.outbox.add(connection, user_updated(after, {"email": before.email}))
        return after

    async def delete_expired(self, connection: Connection) -> None:
        """Releases addresses that nobody can take back any more."""
        await store.delete_expired_emails(connection)

    async def note_email_confirmed(self, connection: Connection, uid: str) -> None:
        """Notes that the user has shown that they read their mail."""
        await store.note_email_confirmed(connection, uid)

    async def lock_status(self, connection: Connection, uid: str) -> Status:
        """Returns the status of a user and locks the row until the transaction ends.

        Raises `UserNotFound`.
        """
        return await store.lock_status(connection, uid)

    async def set_private_labels(self, connection: Connection, labels: PrivateLabels) -> None:
        """Notes the private labels that decide a locked user's state and level."""
        await store.set_private_labels(connection, labels.uid, labels.version, labels.labels)

    async def set_status(
        self, connection: Connection, before: User, state: str, level: int, refusal: str | None
    ) -> User:
        """The locked user with another state and level; `refusal` is an administrator's."""
        after = await store.set_status(connection, before.uid, state, level, refusal)
        changes = {
            name: getattr(before, name)
            for name in ("level", "state")
            if getattr(before, name) != getattr(after, name)
        }
        await self.outbox.add(connection, user_updated(after, changes))
        return after

    async def another_superadmin_is_active(self, connection: Connection, uid: str) -> bool:
        """Whether another user than `uid` is an active superadmin; it stays so meanwhile.

        It takes a lock that has to be the last of the transaction.
        """
        return await store.another_superadmin_is_active(connection, uid)

    async def find_credentials_by_email(self, email: str) -> tuple[Credentials | None, int | None]:
        """The credentials of the user who has this e-mail, in whatever case.

        Also returns the cost of the slowest bcrypt digest of any user, None when there is none.
        """
        async with self.database.connection() as connection:
            return await store.credentials_by_email(connection, email)

    async def get_credentials(self, uid: str) -> Credentials:
        """The credentials of a user; raises `UserNotFound`."""
        async with self.database.connection() as connection:
            return await store.credentials_by_uid(connection, uid)

    async def replace_digest(self, credentials: Credentials, digest: str) -> None:
        """Stores another digest of the same password, unless the password changed meanwhile."""
        async with self.database.connection() as connection:
            await store.replace_digest(connection, credentials.user.uid, credentials.digest, digest)

    async def lock_password(self, connection: Connection, uid: str, version: int) -> bool:
        """Whether the password is still that of `version`; stays true until the transaction ends.

        Raises `UserNotActive` if the user may not act any more.
        """
        return await store.lock_password(connection, uid, version)

    async def set_password(self, connection: Connection, uid: str, digest: str) -> User:
        """The locked user with another password."""
        after = await store.set_password(connection, uid, digest)
        await self.outbox.add(connection, user_updated(after, {}))
        return after

    async def existing_uids(self, connection: Connection, uids: Collection[str]) -> frozenset[str]:
        """Those of these uids that users have."""
        return await store.existing_uids(connection, uids)

    async def erased_uids(self, connection: Connection, uids: Collection[str]) -> frozenset[str]:
        """Those of these uids that erased users had."""
        return await store.erased_uids(connection, uids)

    async def taken_emails(self, connection: Connection, emails: Collection[str]) -> frozenset[str]:
        """Those of these e-mails that an account has, in whatever case."""
        return await store.taken_emails(connection, emails)

    async def import_all(
        self, connection: Connection, users: Sequence[ImportedUser]
    ) -> Sequence[User]:
        """The users that were made, without those whose uid or e-mail somebody has by now.

        The caller writes the events.
        """
        return await store.insert_imported(connection, users)

    async def find_due_for_erasure(self, connection: Connection, delay: timedelta) -> str | None:
        """The uid of a user who deleted their account longer ago than `delay`, and locks them.

        Users whom somebody else has locked are skipped.
        """
        return await store.lock_due_for_erasure(connection, delay)

    async def lock_deleted(self, connection: Connection, uid: str, delay: timedelta) -> bool:
        """Whether the user has been deleted for longer than `delay`; locks the row."""
        return await store.lock_deleted(connection, uid, delay)

    async def erase(self, connection: Connection, uid: str) -> None:
        """Deletes the user with all that refers to them; nobody gets their uid again.

        The caller writes the event.
        """
        await store.erase(connection, uid)


def build(core: Core) -> Users:
    """The accounts of this installation."""
    return Users(core.database, core.outbox)
