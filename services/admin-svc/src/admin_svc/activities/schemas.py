"""The parameters and answers of the audit log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields
from marshmallow.validate import OneOf

from admin_svc.activities.models import ActivityFilter, FoundActivity, Position
from admin_svc.parameters import Cursor, Moment, Word
from shared.answer_schemas import JSON_TEXT, AnswerSchema
from shared.contracts.activities import CATEGORIES, MAX_WORD, RESULTS, Activity, Category
from shared.contracts.schemas import UserSchema
from shared.contracts.users import User
from shared.declared import declared
from shared.values.timestamps import seconds
from shared.web.fields import INVALID, Email, Text
from shared.web.pagination import PageForm

CSV, JSON_LINES = "csv", "jsonl"

_INVALID_RANGE = "admin.activity.invalid_range"
_INVALID_RESULT = "admin.activity.invalid_result"
_INVALID_FORMAT = "admin.activity.invalid_format"


def _cursor() -> Cursor:
    return Cursor(Position.of, invalid="admin.activity.invalid_cursor", maximum=200)


@dataclass(frozen=True, kw_only=True)
class ActivityFilterForm:
    """The filters of both lists; it has no slots, so that it can be joined with `PageForm`.

    Beyond Barong: `result`, `cursor`, and `format` for exports.
    """

    topic: str | None = declared(Text(), None)
    action: str | None = declared(Text(), None)
    uid: str | None = declared(Text(), None)
    email: str | None = declared(Email(), None)
    result: str | None = declared(
        Word(RESULTS, blank=(_INVALID_RESULT,), invalid=_INVALID_RESULT), None
    )
    start: datetime | None = declared(Moment("from"), None)
    end: datetime | None = declared(Moment("to"), None)
    cursor: Position | None = declared(_cursor(), None)
    format: str | None = declared(
        Word((CSV, JSON_LINES), blank=(_INVALID_FORMAT,), invalid=_INVALID_FORMAT), None
    )

    @property
    def address(self) -> str | None:
        """The e-mail of the users who acted."""
        return given(self.email)

    def wanted(self, category: Category, target_uid: str | None = None) -> ActivityFilter:
        """The filter; a blank text is no condition."""
        uid = given(self.uid)
        return ActivityFilter(
            category=category,
            uids=None if uid is None else [uid],
            topic=given(self.topic),
            action=given(self.action),
            result=self.result,
            target_uid=given(target_uid),
            created_from=self.start,
            created_to=self.end,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UserActivitiesForm(PageForm, ActivityFilterForm):
    """GET /admin/activities; this order of bases is that of the parameters, filters first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminActivitiesForm(PageForm, ActivityFilterForm):
    """GET /admin/activities/admin; `range` has one value, its default."""

    target_uid: str | None = declared(Text(), None)
    range: str = declared(
        Word(("created",), blank=(_INVALID_RANGE,), invalid=_INVALID_RANGE), "created"
    )


def given(text: str | None) -> str | None:
    """The text without spaces around it, None where nothing is left."""
    return text.strip() or None if text else None


class _ActivityField(fields.Field[Activity]):
    """`Activity.to_internal()`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Activity:
        try:
            return Activity.of(value)
        except (KeyError, TypeError, ValueError):
            raise ValidationError(INVALID) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordForm:
    """POST /activities, for gateways that reach no broker."""

    activity: Activity = declared(_ActivityField(required=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnActivitiesForm(PageForm):
    """GET /users/{uid}/activities: what a user did about the account; without a topic, all."""

    uid: str = declared(fields.String(required=True))
    topic: str | None = declared(Text(maximum=MAX_WORD), None)

    @property
    def wanted(self) -> ActivityFilter:
        """The filter."""
        return ActivityFilter(category="user", uids=[self.uid], topic=given(self.topic))


@dataclass(frozen=True, slots=True, kw_only=True)
class AllActivitiesForm:
    """GET /users/{uid}/activities/{category}: all that a user did, batch by batch."""

    uid: str = declared(fields.String(required=True))
    category: Category = declared(fields.String(required=True, validate=OneOf(CATEGORIES)))
    cursor: Position | None = declared(_cursor(), None)

    @property
    def wanted(self) -> ActivityFilter:
        """The filter."""
        return ActivityFilter(category=self.category, uids=[self.uid])


def activity_to_public(found: FoundActivity) -> dict[str, Any]:
    """The `Activity` of the public API."""
    activity = found.activity
    body: dict[str, Any] = {
        "user_ip": activity.user_ip,
        "user_agent": activity.user_agent,
        "topic": activity.topic,
        "action": activity.action,
        "result": activity.result,
        "data": activity.data,
    }
    if activity.category == "admin":
        body["admin"] = _user(activity.uid, found.user)
        body["target"] = _user(activity.target_uid, found.target)
    else:
        body["user"] = _user(activity.uid, found.user)
    return {**body, "created_at": seconds(activity.created_at)}


def _user(uid: str | None, user: User | None) -> dict[str, Any] | None:
    """The user as the directory has them now; only the uid of a user whom it does not have."""
    if uid is None or user is not None:
        return user.to_public() if user is not None else None
    return {**dict.fromkeys(_USER), "uid": uid}


_USER = ("email", "uid", "role", "level", "otp", "state", "referral_uid", "data")


class ActorSchema(UserSchema):
    """A user; of one who is erased, or too new to be known here, only the uid."""

    def on_bind_field(self, field_name: str, field_obj: "fields.Field[Any]") -> None:
        super().on_bind_field(field_name, field_obj)
        field_obj.allow_none = field_name != "uid"


class _AnyActivitySchema(AnswerSchema):
    user_ip = fields.String()
    user_agent = fields.String()
    topic = fields.String()
    action = fields.String()
    result = fields.String(validate=OneOf(RESULTS))
    data = fields.String(allow_none=True, metadata=JSON_TEXT)
    created_at = fields.DateTime()


FILES: Mapping[str, fields.Field[Any]] = {
    "text/csv": fields.String(),
    "application/x-ndjson": fields.String(),
}
"""The same as a file."""


class ActivitySchema(_AnyActivitySchema):
    """Something a user did, as administrators see it."""

    user = fields.Nested(ActorSchema, allow_none=True)


class AdminActivitySchema(_AnyActivitySchema):
    """Something an administrator did, and to whom."""

    admin = fields.Nested(ActorSchema, allow_none=True)
    target = fields.Nested(ActorSchema, allow_none=True)
