"""The parameters and answers of the operations on permissions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import fields, validate

from admin_svc.permissions.models import (
    ACTIONS,
    MAX_PATH,
    MAX_WORD,
    InvalidAction,
    InvalidPath,
    InvalidVerb,
    RoleDoesNotExist,
    StoredPermission,
    Trial,
)
from shared.answer_schemas import AnswerSchema, described
from shared.contracts.policy import Permission
from shared.declared import Faults, declared, load
from shared.policy.paths import MAX_PATH_LENGTH
from shared.values.timestamps import milliseconds
from shared.web.fields import Integer, Parameter, Text

_MAX_RULES = 1000
_FLAWED = {
    "role": RoleDoesNotExist.codes[0],
    "verb": InvalidVerb.codes[0],
    "path": InvalidPath.codes[0],
    "action": InvalidAction.codes[0],
}
"""The codes of texts that no permission can hold."""


def _text(name: str, *, required: bool, maximum: int = MAX_WORD) -> Text:
    empty = f"admin.permission.empty_{name}"
    missing = (f"admin.permission.missing_{name}", empty) if required else ()
    return Text(missing=missing, empty=empty, flawed=_FLAWED.get(name), maximum=maximum)


def _id() -> Integer:
    empty = "admin.permission.empty_id"
    return Integer(missing=("admin.permission.missing_id", empty), empty=empty, maximum=2**63 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPermissionForm:
    """POST /admin/permissions."""

    role: str = declared(_text("role", required=True))
    verb: str = declared(_text("verb", required=True))
    path: str = declared(_text("path", required=True, maximum=MAX_PATH))
    action: str = declared(_text("action", required=True))
    topic: str | None = declared(_text("topic", required=False), None)

    @property
    def rule(self) -> Permission:
        """The permission as it was asked for, not yet checked."""
        return Permission(self.role, self.verb, self.path, self.action, self.topic)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePermissionForm:
    """PUT /admin/permissions."""

    id: int = declared(_id())
    role: str | None = declared(_text("role", required=False), None)
    verb: str | None = declared(_text("verb", required=False), None)
    path: str | None = declared(_text("path", required=False, maximum=MAX_PATH), None)
    action: str | None = declared(_text("action", required=False), None)
    topic: str | None = declared(_text("topic", required=False), None)

    @property
    def given(self) -> Mapping[str, str]:
        """The values to set, by field."""
        values = {name: getattr(self, name) for name in Permission.__slots__}
        return {name: value for name, value in values.items() if value is not None}


class Rules(Parameter):
    """A JSON text: a list of {role, verb, path, action[, topic]}."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Permission]:
        try:
            listed = json.loads(value) if isinstance(value, str) else value
            return [load(AddPermissionForm, rule).rule for rule in _mappings(listed)]
        except (ValueError, RecursionError, Faults):
            raise self.refuse() from None

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "contentMediaType": "application/json"}


def _mappings(listed: Any) -> list[dict[str, Any]]:
    if not isinstance(listed, list) or len(listed) > _MAX_RULES:
        raise ValueError("no list, or too long a one")
    if not all(isinstance(each, dict) for each in listed):
        raise ValueError("not all are mappings")
    return listed


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPermissionForm:
    """GET /admin/permissions/check; `rules` are tried in place of those that there are."""

    role: str = declared(_text("role", required=True))
    verb: str = declared(_text("verb", required=True))
    path: str = declared(_text("path", required=True, maximum=MAX_PATH_LENGTH))
    rules: list[Permission] | None = declared(
        Rules(invalid="admin.permissions.invalid_rules"), None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePermissionForm:
    """DELETE /admin/permissions."""

    id: int = declared(_id())


def permission_to_public(permission: StoredPermission) -> dict[str, Any]:
    """The `Permission` of the public API."""
    rule = permission.rule
    return {
        "id": permission.id,
        "action": rule.action,
        "role": rule.role,
        "verb": rule.verb,
        "path": rule.path,
        "topic": rule.topic,
        "created_at": milliseconds(permission.created_at),
        "updated_at": milliseconds(permission.updated_at),
    }


def ability_to_public(rule: Permission) -> dict[str, Any]:
    """The `Ability` of the public API."""
    return {"verb": rule.verb, "path": rule.path, "action": rule.action}


def trial_to_public(trial: Trial) -> dict[str, Any]:
    """The answer about a trial; `action` is DROP, ACCEPT, or None where nothing accepts."""
    dropped = any(rule.action == "DROP" for rule in trial.rules)
    return {
        "path": trial.path,
        "allowed": trial.verdict.allowed,
        "action": "DROP" if dropped else "ACCEPT" if trial.verdict.allowed else None,
        "audited": trial.verdict.audited,
        "topic": trial.verdict.topic,
        "permissions": [permission_to_public(each) for each in trial.permissions]
        or [_candidate_to_public(rule) for rule in trial.rules],
    }


def _candidate_to_public(rule: Permission) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in Permission.__slots__}


class PermissionSchema(AnswerSchema):
    """What a role may do at a path and everything below it."""

    id = fields.Integer()
    action = fields.String(validate=validate.OneOf(ACTIONS))
    role = fields.String()
    verb = fields.String()
    path = fields.String()
    topic = fields.String(allow_none=True)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class AbilitySchema(AnswerSchema):
    """What the caller's role may do, or may not, at a path and everything below it."""

    verb = fields.String()
    path = fields.String()
    action = fields.String(validate=validate.OneOf(ACTIONS))


class _MatchSchema(AnswerSchema):
    """A permission that matches, the shortest path first."""

    optional = ("id", "created_at", "updated_at")

    id = fields.Integer()
    role = fields.String()
    verb = fields.String()
    path = fields.String()
    action = fields.String()
    topic = fields.String(allow_none=True)
    created_at = fields.DateTime()
    updated_at = fields.DateTime()


class PermissionCheckSchema(AnswerSchema):
    """What would become of a call."""

    path = fields.String(metadata=described("The canonical path that was decided about."))
    allowed = fields.Boolean()
    action = fields.String(
        allow_none=True,
        metadata=described("What decides: DROP, ACCEPT, or nothing that accepts."),
    )
    audited = fields.Boolean()
    topic = fields.String(allow_none=True)
    permissions = fields.List(fields.Nested(_MatchSchema))
