"""What comes in and goes out of the operation on activities."""

from dataclasses import dataclass
from typing import Any

from marshmallow import fields, validate

from resource_svc.activities.models import user_number
from shared.answer_schemas import JSON_TEXT, AnswerSchema, described
from shared.contracts.activities import CATEGORIES, RESULTS, StoredActivity
from shared.declared import declared
from shared.values.timestamps import milliseconds
from shared.web.fields import Text
from shared.web.pagination import PageForm

ALL = "all"
TOPICS = (ALL, "password", "session", "otp", "account")


class Topic(Text):
    """One of `TOPICS`."""

    def __init__(self) -> None:
        super().__init__(
            missing=("resource.user.missing_topic", "resource.user.empty_topic"),
            empty="resource.user.empty_topic",
            invalid="resource.user.wrong_topic",
        )

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        topic = super()._deserialize(value, attr, data, **kwargs)
        if topic not in TOPICS:
            raise self.refuse()
        return topic

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(TOPICS)}


@dataclass(frozen=True, kw_only=True)
class TopicForm:
    """The filter of activities; without slots, so that it can be joined with `PageForm`."""

    topic: str = declared(Topic())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListActivitiesForm(PageForm, TopicForm):
    """GET /resource/users/activity/{topic}; this order of bases is that of the parameters."""


def to_public(activity: StoredActivity) -> dict[str, Any]:
    """The `Activity` of the public API."""
    return {
        "id": activity.number,
        "user_id": user_number(activity.uid),
        "target_uid": activity.target_uid,
        "category": activity.category,
        "user_ip": activity.user_ip,
        "user_agent": activity.user_agent,
        "topic": activity.topic,
        "action": activity.action,
        "result": activity.result,
        "data": activity.data,
        "created_at": milliseconds(activity.created_at),
    }


class OwnActivitySchema(AnswerSchema):
    """Something the caller did."""

    id = fields.Integer()
    user_id = fields.Integer(metadata=described("A number of the caller's own, always the same."))
    target_uid = fields.String(allow_none=True)
    category = fields.String(validate=validate.OneOf(CATEGORIES))
    user_ip = fields.String()
    user_agent = fields.String()
    topic = fields.String()
    action = fields.String()
    result = fields.String(validate=validate.OneOf(RESULTS))
    data = fields.String(allow_none=True, metadata=JSON_TEXT)
    created_at = fields.DateTime()
