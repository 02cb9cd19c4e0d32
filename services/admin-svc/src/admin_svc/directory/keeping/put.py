"""Puts what was told of users into the directory: and takes users out of it."""

from collections.abc import Sequence

from admin_svc.directory.keeping import store
from admin_svc.directory.keeping.facets import SEARCHED
from shared.contracts.attachments import PROFILES, AttachmentSet
from shared.contracts.users import User
from shared.database.pool import Connection


async def put(
    connection: Connection,
    users: Sequence[User] = (),
    sets: Sequence[AttachmentSet] = (),
    *,
    again: bool = False,
) -> None:
    """Keeps each, unless what is kept is as new or its user was erased.

    `again`, sets that are as new are kept anew, so that what users are found by follows them in the
    way of this release.

    So whatever is told twice, late or in another order changes nothing. No user, and no kind of
    attachments of a user, may be there twice.
    """
    uids = [user.uid for user in users] + [each.uid for each in sets]
    await store.lock(connection, uids)
    new = await store.put_users(connection, users) if users else []
    kept = await store.put_sets(connection, sets, again=again) if sets else []
    if profiles := [each for each in kept if each.kind == PROFILES]:
        await store.put_positions(connection, profiles)
    if searched := {*new, *(each.uid for each in kept if each.kind in SEARCHED)}:
        await store.describe(connection, list(searched))


async def remove(connection: Connection, uids: Sequence[str]) -> None:
    """Takes users out, who come back when anything is told of them."""
    await store.lock(connection, uids)
    await store.remove(connection, uids)


async def erase(connection: Connection, uid: str) -> None:
    """Takes a user out for good: whatever is told of him from now on comes too late."""
    await store.lock(connection, [uid])
    await store.mark_erased(connection, uid)
    await store.remove(connection, [uid])
