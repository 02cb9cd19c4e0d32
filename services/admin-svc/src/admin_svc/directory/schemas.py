"""The parameters and answers of the directory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from marshmallow import fields
from yarl import URL

from admin_svc.directory.facets import PRIVATE, SCOPES
from admin_svc.directory.models import (
    CREATED_AT,
    EMAIL,
    UPDATED_AT,
    WAITING_SINCE,
    Cursor,
    Found,
    InvalidCursor,
    Order,
    UserFilter,
    UserWithAttachments,
    is_searchable,
)
from admin_svc.parameters import Moment, Word
from shared.answer_schemas import AnyOf, described
from shared.contracts.attachments import (
    DATA_STORAGES,
    DOCUMENTS,
    LABELS,
    PHONES,
    PROFILES,
)
from shared.contracts.schemas import (
    DataStorageSchema,
    DocumentSchema,
    LabelSchema,
    PhoneSchema,
    ProfileSchema,
    UserSchema,
)
from shared.declared import declared
from shared.text import ascii_email
from shared.values.timestamps import milliseconds, seconds
from shared.web.fields import Boolean, Email, Integer, Text
from shared.web.pagination import PageForm, bounded_headers, links

Record = Mapping[str, Any]

CREATED, UPDATED = "created", "updated"
ASCENDING, DESCENDING = "asc", "desc"
ORDERS = (CREATED_AT, UPDATED_AT, EMAIL)

_INVALID_RANGE = "admin.user.invalid_range"
_INVALID_ORDER_BY = "admin.user.invalid_order_by"
_INVALID_ORDERING = "admin.user.invalid_ordering"
_INVALID_SCOPE = "admin.user.invalid_scope"
_LONGEST_SEARCH = 100


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
        """The text with its domain in punycode, in which domains of e-mails are stored."""
        return ascii_email(text) if "@" in text else super().read(text)


def _scope() -> Word:
    """Who chooses the value of a label: operators of private ones, users of public ones."""
    return Word(SCOPES, blank=(_INVALID_SCOPE,), invalid=_INVALID_SCOPE)


@dataclass(frozen=True, kw_only=True)
class ListForm:
    """The cursor of a list of users, in any order.

    It has no slots, nor do its subclasses, so that they can be joined with `PageForm`, which has.
    """

    cursor: str | None = declared(Text(invalid=InvalidCursor.codes[0]), None)

    @property
    def order(self) -> Order:
        """The order of the list."""
        return Order()

    @property
    def after(self) -> Cursor | None:
        """The decoded cursor, which wins over `page`; raises `InvalidCursor`."""
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
        """The filter; a blank text is no condition."""
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
        """The order of the list; a filter by the last change orders by it, too."""
        by_update = self.range == UPDATED and (self.start or self.end)
        usual = UPDATED_AT if by_update else self.usual_order
        return Order(self.order_by or usual, self.ordering == DESCENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindUsersForm(PageForm, UserFilterForm):
    """GET /admin/users; this order of bases is that of the parameters, filters first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindWaitingForm(PageForm, UserFilterForm):
    """GET /admin/users/documents/pending; users who wait longest come first."""

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
        """The filter, with key and value as labels are stored."""
        key, value = ((text or "").strip().lower() for text in (self.key, self.value))
        return UserFilter(label=(self.scope, key, value))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLabelsForm:
    """GET /admin/users/labels/list."""

    scope: str = declared(_scope(), PRIVATE)


AnyListForm: TypeAlias = FindUsersForm | FindWaitingForm | FindLabelledForm


def _given(text: str | None, *, in_capitals: bool = False) -> str | None:
    """A text without space around it and with single spaces in it; None for a blank text."""
    squished = " ".join(text.split()) if text else ""
    return (squished.upper() if in_capitals else squished) or None


_KINDS = (PROFILES, LABELS, PHONES, DOCUMENTS, DATA_STORAGES)
"""The order of attachments in answers."""

_PROFILE = (
    *("first_name", "last_name", "dob", "address", "postcode", "city", "country"),
    *("state", "metadata"),
)


def profile_to_public(record: Record) -> dict[str, Any]:
    """The `Profile` of the public API."""
    return {**{name: record[name] for name in _PROFILE}, **_moments(record)}


def user_to_public(found: UserWithAttachments) -> dict[str, Any]:
    """The `UserWithProfile` or `UserWithKYC` of the public API: the attachments it was given."""
    user = found.user
    model = user.to_public()
    referral = model.pop("referral_uid")
    return {
        **model,
        **{kind: _to_public(kind, found) for kind in _KINDS if kind in found.attachments},
        "referral_uid": referral,
        "created_at": seconds(user.created_at),
        "updated_at": seconds(user.updated_at),
    }


def _to_public(kind: str, found: UserWithAttachments) -> list[dict[str, Any]]:
    records = found.attachments[kind]
    if kind == DOCUMENTS:
        return [_document(each, found.links[each["upload"]]) for each in records]
    return [_TO_PUBLIC[kind](each) for each in records]


def _label(record: Record) -> dict[str, Any]:
    names = ("key", "value", "scope", "description")
    return {**{name: record[name] for name in names}, **_moments(record)}


def _phone(record: Record) -> dict[str, Any]:
    proven = record["validated_at"]
    return {
        "country": record["country"],
        "number": record["number"],
        "validated_at": milliseconds(datetime.fromisoformat(proven)) if proven else None,
    }


def _document(record: Record, link: str) -> dict[str, Any]:
    names = ("doc_type", "doc_number", "doc_expire", "metadata")
    return {
        "upload": {"url": link},
        **{name: record[name] for name in names},
        **_moments(record),
    }


def _data_storage(record: Record) -> dict[str, Any]:
    return {"title": record["title"], "data": record["data"], **_moments(record)}


def _moments(record: Record) -> dict[str, str]:
    names = ("created_at", "updated_at")
    return {name: seconds(datetime.fromisoformat(record[name])) for name in names}


_TO_PUBLIC: Mapping[str, Callable[[Record], dict[str, Any]]] = {
    PROFILES: profile_to_public,
    LABELS: _label,
    PHONES: _phone,
    DATA_STORAGES: _data_storage,
}


def list_headers(url: URL, form: AnyListForm, found: Found) -> Mapping[str, str]:
    """The headers of every list; `Next-Cursor` is the cursor of the next page.

    A list that is read by cursors has no `Page`, and its links use cursors.
    """
    headers = dict(bounded_headers(url, form, found.total, goes_on=found.next is not None))
    if found.next:
        headers["Next-Cursor"] = found.next.encode()
    if form.after:
        del headers["Page"]
        headers["Link"] = links(_cursor_links(url, found))
    return headers


def _cursor_links(url: URL, found: Found) -> Mapping[str, URL]:
    first = url.without_query_params("cursor", "page")
    return {"first": first} | (
        {"next": first.update_query(cursor=found.next.encode())} if found.next else {}
    )


class AdminLabelViewSchema(LabelSchema):
    """A label as administrators see it."""

    description = fields.String(allow_none=True)


class UserWithProfileSchema(UserSchema):
    """A user with their profiles."""

    profiles = fields.List(fields.Nested(ProfileSchema))
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class UserWithKYCSchema(UserWithProfileSchema):
    """A user with everything that they are judged by."""

    labels = fields.List(fields.Nested(AdminLabelViewSchema))
    phones = fields.List(fields.Nested(PhoneSchema))
    documents = fields.List(fields.Nested(DocumentSchema))
    data_storages = fields.List(fields.Nested(DataStorageSchema))


USERS = fields.List(AnyOf(UserWithKYCSchema, UserWithProfileSchema, UserSchema))
"""Users, with as much of them as the call asks for."""

COUNTS = fields.Dict(
    values=fields.Integer(),
    metadata=described('By key and value, as `["email", "verified"]`.'),
)
"""How many users have each label."""
