"""Adds to users what they have attached to themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from admin_svc.directory import store
from admin_svc.directory.models import user_with_everything, user_with_profiles
from shared.clients.resource import ResourceClient
from shared.contracts.attachments import DOCUMENTS, KINDS, PROFILES
from shared.contracts.users import User
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class AddProfiles:
    """Makes `UserWithProfile` of users."""

    database: Database

    async def __call__(self, users: Sequence[User]) -> list[dict[str, Any]]:
        """In the same order."""
        uids = [user.uid for user in users]
        async with self.database.connection() as connection:
            attached = await store.select_attachments(connection, uids, [PROFILES])
        return [user_with_profiles(user, attached.get((user.uid, PROFILES), [])) for user in users]


@dataclass(frozen=True, slots=True)
class AddEverything:
    """Makes `UserWithKYC` of users, with links to their documents."""

    database: Database
    resource: ResourceClient

    async def __call__(self, users: Sequence[User]) -> list[dict[str, Any]]:
        """In the same order; raises `Unavailable` when there are documents and no links to them."""
        uids = [user.uid for user in users]
        async with self.database.connection() as connection:
            attached = await store.select_attachments(connection, uids, KINDS)
        uploads = [
            record["upload"]
            for (_, kind), records in attached.items()
            if kind == DOCUMENTS
            for record in records
        ]
        links = await self.resource.upload_links(uploads) if uploads else []
        by_upload = dict(zip(uploads, links, strict=True))
        return [
            user_with_everything(
                user, {kind: attached.get((user.uid, kind), []) for kind in KINDS}, by_upload
            )
            for user in users
        ]
