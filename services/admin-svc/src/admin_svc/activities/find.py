"""Finding activities."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from admin_svc.activities import store
from admin_svc.activities.filter import ActivityFilter, Position
from admin_svc.directory.use_cases import Directory
from shared.contracts.activities import KeptActivity
from shared.contracts.users import User
from shared.database.planning import plan_each_query
from shared.database.pool import Database
from shared.errors import Invalid
from shared.web.answers import seconds
from shared.web.pagination import Total

EXACT = 20_000
"""Up to here activities are counted; of more it is only known that they are more."""

DEEPEST = 1_000_000
"""Whoever wants to get farther into the list follows cursors, which cost the same everywhere."""

BATCH = 1000
"""How many activities are in memory at a time when all are told."""


class PageTooDeep(Invalid):
    """The page lies so far in the list that it can only be reached by cursors."""

    codes = ("admin.activity.page_too_deep",)


@dataclass(frozen=True, slots=True)
class FoundActivity:
    """An activity, and what the directory knows of those whom it concerns."""

    activity: KeptActivity
    user: User | None
    target: User | None

    def model(self) -> dict[str, Any]:
        """The `Activity` of the public API."""
        activity = self.activity
        body: dict[str, Any] = {
            "user_ip": activity.user_ip,
            "user_agent": activity.user_agent,
            "topic": activity.topic,
            "action": activity.action,
            "result": activity.result,
            "data": activity.data,
        }
        if activity.category == "admin":
            body["admin"] = _user(activity.uid, self.user)
            body["target"] = _user(activity.target_uid, self.target)
        else:
            body["user"] = _user(activity.uid, self.user)
        return {**body, "created_at": seconds(activity.created_at)}

    @property
    def position(self) -> Position:
        """Its place in the list."""
        return Position(self.activity.created_at, self.activity.id)


@dataclass(frozen=True, slots=True)
class FoundPage:
    """One page, how many there are in all, and whether a page follows that may be asked for."""

    activities: Sequence[FoundActivity]
    total: Total
    goes_on: bool


@dataclass(frozen=True, slots=True)
class FindActivities:
    """Finds activities in the audit log, the newest first."""

    database: Database
    directory: Directory
    exact: int = EXACT
    deepest: int = DEEPEST

    async def page(
        self, wanted: ActivityFilter, email: str | None, limit: int, offset: int
    ) -> FoundPage:
        """One page of those wanted; raises `PageTooDeep`."""
        if offset > self.deepest:
            raise PageTooDeep
        wanted = await self._of(wanted, email)
        async with self.database.transaction() as connection:
            await plan_each_query(connection)
            number = await store.count_activities(connection, wanted, self.exact + 1)
            total = Total(min(number, self.exact), exact=number <= self.exact)
            if total.exact and offset >= total.number:
                return FoundPage([], total, goes_on=False)
            # One more tells whether another page follows.
            page = await store.select_activities(connection, wanted, limit + 1, offset=offset)
        return FoundPage(
            await self._found(page[:limit]),
            total,
            goes_on=len(page) > limit and offset + limit <= self.deepest,
        )

    async def behind(
        self, wanted: ActivityFilter, email: str | None, limit: int, position: Position | None
    ) -> list[FoundActivity]:
        """Those wanted that stand behind a place, or the first."""
        wanted = await self._of(wanted, email)
        async with self.database.transaction() as connection:
            await plan_each_query(connection)
            page = await store.select_activities(connection, wanted, limit, behind=position)
        return await self._found(page)

    async def all(
        self, wanted: ActivityFilter, email: str | None
    ) -> AsyncIterator[list[FoundActivity]]:
        """All of those wanted, in batches; no transaction stays open between two of them.

        However slowly somebody takes them, he holds neither a connection nor old rows.
        """
        position: Position | None = None
        while batch := await self.behind(wanted, email, BATCH, position):
            yield batch
            if len(batch) < BATCH:
                return
            position = batch[-1].position

    async def _of(self, wanted: ActivityFilter, email: str | None) -> ActivityFilter:
        """The filter, narrowed down to those who have this e-mail."""
        if email is None:
            return wanted
        uids = await self.directory.uids_by_email(email)
        if wanted.uids is not None:
            uids = [uid for uid in uids if uid in wanted.uids]
        return replace(wanted, uids=uids)

    async def _found(self, activities: Sequence[KeptActivity]) -> list[FoundActivity]:
        uids = {activity.uid for activity in activities}
        uids |= {activity.target_uid for activity in activities if activity.target_uid}
        users = await self.directory.users_by_uid(uids)
        return [
            FoundActivity(activity, users.get(activity.uid), users.get(activity.target_uid or ""))
            for activity in activities
        ]


def _user(uid: str | None, user: User | None) -> dict[str, Any] | None:
    """The user as he is now; of whom the directory does not know, only his uid is told."""
    if uid is None or user is not None:
        return user.model() if user is not None else None
    return {**dict.fromkeys(_MODEL), "uid": uid}


_MODEL = ("email", "uid", "role", "level", "otp", "state", "referral_uid", "data")
