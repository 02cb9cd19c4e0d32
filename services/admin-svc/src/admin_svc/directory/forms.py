"""The parameters with which users are looked for."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from admin_svc.directory.filter import UserFilter
from admin_svc.words import Word
from shared.declared import declared
from shared.web.fields import Boolean, Integer, Text
from shared.web.pagination import PageForm

CREATED, UPDATED = "created", "updated"
_INVALID_RANGE = "admin.user.invalid_range"


class Moment(Integer):
    """A moment, in seconds since the epoch, in the parameter `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(maximum=int(datetime(9999, 1, 1, tzinfo=UTC).timestamp()))
        self.data_key = name

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return datetime.fromtimestamp(super()._deserialize(value, attr, data, **kwargs), UTC)


@dataclass(frozen=True, kw_only=True)
class UserFilterForm:
    """The filters that lists of users have in common.

    Without slots, so that it can be joined with `PageForm`, which has some.
    """

    extended: bool | None = declared(Boolean(invalid="admin.user.non_boolean_extended"), None)
    uid: str | None = declared(Text(), None)
    email: str | None = declared(Text(), None)
    role: str | None = declared(Text(), None)
    level: int | None = declared(Integer(), None)
    state: str | None = declared(Text(), None)
    range: str = declared(
        Word((CREATED, UPDATED), blank=(_INVALID_RANGE,), invalid=_INVALID_RANGE), CREATED
    )
    start: datetime | None = declared(Moment("from"), None)
    end: datetime | None = declared(Moment("to"), None)

    @property
    def wanted(self) -> UserFilter:
        """Whom to look for; a blank text is no filter."""
        created, updated = self.range == CREATED, self.range == UPDATED
        return UserFilter(
            uid=_given(self.uid),
            email=_given(self.email),
            role=_given(self.role),
            level=self.level,
            state=_given(self.state),
            created_from=self.start if created else None,
            created_to=self.end if created else None,
            updated_from=self.start if updated else None,
            updated_to=self.end if updated else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FindUsersForm(PageForm, UserFilterForm):
    """GET /admin/users; this order of bases is that of the parameters, filters first."""


def _given(text: str | None) -> str | None:
    return text.strip() or None if text else None
