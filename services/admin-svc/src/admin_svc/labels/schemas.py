"""The parameters and answers of the operations on labels."""

from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from admin_svc.users.schemas import uid
from shared.contracts.administration import ChangedAttachment
from shared.contracts.schemas import LabelSchema, UserSchema
from shared.declared import declared
from shared.web.bodies import MAX_BODY_BYTES
from shared.web.fields import Boolean, Text


def _text(name: str) -> Text:
    """A text of any length: resource-svc checks it."""
    empty = f"admin.user.empty_{name}"
    missing = (f"admin.user.missing_{name}", empty)
    flawed = "scope.inclusion" if name == "scope" else f"{name}.invalid"
    return Text(missing=missing, empty=empty, flawed=flawed, maximum=MAX_BODY_BYTES)


def _description() -> Text:
    return Text(
        empty="admin.user.empty_description",
        flawed="description.invalid",
        maximum=MAX_BODY_BYTES,
        lines=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AddLabelForm:
    """POST /admin/users/labels."""

    uid: str = declared(uid())
    key: str = declared(_text("key"))
    value: str = declared(_text("value"))
    scope: str = declared(Text(empty="admin.user.empty_scope"), "public")
    description: str | None = declared(_description(), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLabelForm:
    """PUT /admin/users/labels."""

    uid: str = declared(uid())
    key: str = declared(_text("key"))
    scope: str = declared(_text("scope"))
    value: str = declared(_text("value"))
    description: str | None = declared(_description(), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PutLabelForm(ChangeLabelForm):
    """POST /admin/users/labels/update: a missing label is added, unless `replace` is false."""

    replace: bool | None = declared(Boolean(invalid="admin.user.non_boolean_replace"), True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteLabelForm:
    """DELETE /admin/users/labels."""

    uid: str = declared(uid())
    key: str = declared(_text("key"))
    scope: str = declared(_text("scope"))


def label_to_public(changed: ChangedAttachment) -> dict[str, Any]:
    """The label, with its user in the state and of the level that follow from it."""
    return {**(changed.after or {}), "user": changed.user.to_public()}


class ChangedLabelSchema(LabelSchema):
    """A label, and its user with the state and level that follow from it."""

    description = fields.String(allow_none=True)
    user = fields.Nested(UserSchema)
