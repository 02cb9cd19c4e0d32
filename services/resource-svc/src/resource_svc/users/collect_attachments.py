"""Collects what a user has attached to himself, from the rooms that keep it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resource_svc.users import store
from resource_svc.users.find_user import FindUser
from shared.contracts.users import User
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class CollectAttachments:
    """Everything that `UserWithFullInfo` shows besides the user."""

    database: Database
    find_user: FindUser

    async def __call__(self, uid: str) -> Mapping[str, Any]:
        """Lists of public models by name; empty ones for a user that nobody knows."""
        _, models = await self._read(uid)
        return models

    async def with_user(self, uid: str) -> tuple[User, Mapping[str, Any]]:
        """The same, and the user himself; raises what `FindUser` raises."""
        user, models = await self._read(uid)
        if user is None or user.erased:
            user = await self.find_user(uid)
        return user, models

    async def _read(self, uid: str) -> tuple[User | None, Mapping[str, Any]]:
        async with self.database.connection() as connection:
            user, attached = await store.user_with_attachments(connection, uid)
        return user, {name: [each.model() for each in kept] for name, kept in attached.items()}
