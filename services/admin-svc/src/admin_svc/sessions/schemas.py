"""The parameters and answers of the operations on sessions of users."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import fields

from admin_svc.users.schemas import uid
from shared.answer_schemas import AnswerSchema, described
from shared.declared import declared
from shared.values.timestamps import seconds
from shared.web.fields import Text
from shared.web.pagination import PageForm


@dataclass(frozen=True, kw_only=True)
class _WhoseForm:
    """It has no slots, so that it can be joined with `PageForm`, which has some."""

    uid: str = declared(uid())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSessionsForm(PageForm, _WhoseForm):
    """GET /admin/users/sessions; this order of bases is that of the parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSessionsForm:
    """DELETE /admin/users/sessions; without `id`, all of them."""

    uid: str = declared(uid())
    id: str | None = declared(Text(empty="admin.session.empty_id"), None)


def to_public(session: Mapping[str, Any]) -> dict[str, Any]:
    """The `UserSession` of the public API."""
    return {
        "id": session["sid"],
        "user_ip": session["address"],
        "user_agent": session["user_agent"],
        "created_at": seconds(datetime.fromisoformat(session["created_at"])),
        "expires_at": seconds(datetime.fromisoformat(session["expires_at"])),
    }


class UserSessionSchema(AnswerSchema):
    """A session of a user, as administrators see it."""

    id = fields.UUID()
    user_ip = fields.String(metadata=described("Of the log-in."))
    user_agent = fields.String()
    created_at = fields.DateTime()
    expires_at = fields.DateTime(metadata=described("When it ends, unless it is used before."))
