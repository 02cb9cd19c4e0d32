"""The parameters with which users are looked for."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from admin_svc.directory.errors import InvalidCursor
from admin_svc.directory.filter import UserFilter, is_searchable
from admin_svc.directory.keeping.facets import PRIVATE, SCOPES
from admin_svc.directory.order import (
    CREATED_AT,
    EMAIL,
    UPDATED_AT,
    WAITING_SINCE,
    Cursor,
    Order,
)
from admin_svc.words import Word
from shared.declared import declared
from shared.text import ascii_email
from shared.web.fields import Boolean, Email, Integer, Text
from shared.web.pagination import PageForm

CREATED, UPDATED = "created", "updated"
ASCENDING, DESCENDING = "asc", "desc"
ORDERS = (CREATED_AT, UPDATED_AT, EMAIL)

_INVALID_RANGE = "admin.user.invalid_range"
_INVALID_ORDER_BY = "admin.user.invalid_order_by"
_INVALID_ORDERING = "admin.user.invalid_ordering"
_INVALID_SCOPE = "admin.user.invalid_scope"
_LONGEST_SEARCH = 100


class Moment(Integer):
    """A moment, in seconds since the epoch, in the parameter `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(maximum=int(datetime(9999, 1, 1, tzinfo=UTC).timestamp()))
        self.data_key = name

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return datetime.fromtimestamp(super()._deserialize(value, attr, data, **kwargs), UTC)


class Searched(Text):
    """A text that an index finds in e-mails and names."""

    def __init__(self) -> None:
        super().__init__(invalid="admin.user.invalid_q", maximum=_LONGEST_SEARCH)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not is_searchable(text):
            raise self.refuse()
        return text

    def read(self, text: str) -> str:
        """Domains of e-mails are kept in punycode: what is looked for is, too."""
        return ascii_email(text) if "@" in text else super().read(text)


def _scope() -> Word:
    """Whose word a label is: private ones are ours, public ones are the users' own."""
    return Word(SCOPES, blank=(_INVALID_SCOPE,), invalid=_INVALID_SCOPE)


@dataclass(frozen=True, kw_only=True)
class ListForm:
    """Where a list of users goes on, in whichever order it has.

    Without slots, as those made of it, so that it can be joined with `PageForm`, which has some.
    """

    cursor: str | None = declared(Text(invalid=InvalidCursor.codes[0]), None)

    @property
    def order(self) -> Order:
        """In which order."""
        return Order()

    @property
    def after(self) -> Cursor | None:
        """Where the list goes on, wherever `page` says; raises `InvalidCursor`."""
        if not self.cursor:
            return None
        try:
            return Cursor.decode(self.cursor, self.order)
        except ValueError:
            raise InvalidCursor from None


@dataclass(frozen=True, kw_only=True)
class UserFilterForm(ListForm):
    """The filters that lists of users have in common."""

    usual_order = CREATED_AT
    only_waiting = False

    extended: bool | None = declared(Boolean(invalid="admin.user.non_boolean_extended"), None)
    uid: str | None = declared(Text(), None)
    email: str | None = declared(Email(), None)
    role: str | None = declared(Text(), None)
    first_name: str | None = declared(Text(), None)
    last_name: str | None = declared(Text(), None)
    country: str | None = declared(Text(), None)
    level: int | None = declared(Integer(), None)
    state: str | None = declared(Text(), None)
    range: str = declared(
        Word((CREATED, UPDATED), blank=(_INVALID_RANGE,), invalid=_INVALID_RANGE), CREATED
    )
    start: datetime | None = declared(Moment("from"), None)
    end: datetime | None = declared(Moment("to"), None)
    q: str | None = declared(Searched(), None)
    order_by: str | None = declared(
        Word(ORDERS, blank=(_INVALID_ORDER_BY,), invalid=_INVALID_ORDER_BY), None
    )
    ordering: str = declared(
        Word((ASCENDING, DESCENDING), blank=(_INVALID_ORDERING,), invalid=_INVALID_ORDERING),
        ASCENDING,
    )

    @property
    def wanted(self) -> UserFilter:
        """Whom to look for; a blank text is no filter."""
        created, updated = self.range == CREATED, self.range == UPDATED
        return UserFilter(
            uid=_given(self.uid),
            email=_given(self.email),
            role=_given(self.role),
            first_name=_given(self.first_name),
            last_name=_given(self.last_name),
            country=_given(self.country, in_capitals=True),
            level=self.level,
            state=_given(self.state),
            created_from=self.start if created else None,
            created_to=self.end if created else None,
            updated_from=self.start if updated else None,
            updated_to=self.end if updated else None,
            waiting=self.only_waiting,
            q=_given(self.q),
        )

    @property
    def order(self) -> Order:
        """In which order; users looked for by their last change come in its order."""
        by_update = self.range == UPDATED and (self.start or self.end)
        usual = UPDATED_AT if by_update else self.usual_order
        return Order(self.order_by or usual, self.ordering == DESCENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindUsersForm(PageForm, UserFilterForm):
    """GET /admin/users; this order of bases is that of the parameters, filters first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindWaitingForm(PageForm, UserFilterForm):
    """GET /admin/users/documents/pending; who has waited longest comes first."""

    usual_order = WAITING_SINCE
    only_waiting = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FindUserForm:
    """GET /admin/users/{uid}."""

    uid: str = declared(Text(empty="admin.user.empty_uid"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FindLabelledForm(PageForm, ListForm):
    """GET /admin/users/labels."""

    key: str | None = declared(Text(missing=("admin.user.missing_key",), maximum=255))
    value: str | None = declared(Text(missing=("admin.user.missing_value",), maximum=255))
    scope: str = declared(_scope(), PRIVATE)

    @property
    def wanted(self) -> UserFilter:
        """Whom to look for, by key and value as labels have them."""
        key, value = ((text or "").strip().lower() for text in (self.key, self.value))
        return UserFilter(label=(self.scope, key, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLabelsForm:
    """GET /admin/users/labels/list."""

    scope: str = declared(_scope(), PRIVATE)


AnyListForm: TypeAlias = FindUsersForm | FindWaitingForm | FindLabelledForm


def _given(text: str | None, *, in_capitals: bool = False) -> str | None:
    """A text without the space around and within it that means nothing."""
    squished = " ".join(text.split()) if text else ""
    return (squished.upper() if in_capitals else squished) or None
