"""Collects what a user has attached to himself, from the rooms that keep it."""

from collections.abc import Mapping, Sequence
from typing import Any

from resource_svc.users import store
from resource_svc.users.find_user import FindUser
from shared.batch_loader import BatchLoader
from shared.contracts.users import User
from shared.database.pool import Database

_AT_ONCE = 50
_Collected = tuple[User | None, Mapping[str, Any]]


class CollectAttachments:
    """Everything that `UserWithFullInfo` shows besides the user."""

    def __init__(self, database: Database, find_user: FindUser) -> None:
        self._database = database
        self._find_user = find_user
        self._collected = BatchLoader(self._read, _AT_ONCE)

    async def __call__(self, uid: str) -> Mapping[str, Any]:
        """Lists of public models by name; empty ones for a user that nobody knows."""
        _, models = await self._collected.get(uid)
        return models

    async def with_user(self, uid: str) -> tuple[User, Mapping[str, Any]]:
        """The same, and the user himself; raises what `FindUser` raises."""
        user, models = await self._collected.get(uid)
        if user is None or user.erased:
            user = await self._find_user(uid)
        return user, models

    async def _read(self, uids: Sequence[str]) -> list[_Collected]:
        async with self._database.connection() as connection:
            found = await store.users_with_attachments(connection, uids)
        return [
            (user, {name: [each.model() for each in kept] for name, kept in attached.items()})
            for user, attached in found
        ]
