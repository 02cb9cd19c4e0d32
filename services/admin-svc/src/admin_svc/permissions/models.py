"""What a permission may contain, and its one spelling."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from admin_svc.policy.models import StoredRule
from shared.contracts.policy import Permission
from shared.errors import Invalid, Malformed, NotFound
from shared.policy.paths import canonical, under_one_name
from shared.policy.permissions import Verdict

CALLS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
VERBS = (*CALLS, "ALL")
"""Permissions for ALL decide about calls with other verbs."""
ACTIONS = ("ACCEPT", "DROP", "AUDIT")
MAX_PATH, MAX_WORD = 1024, 255

_SEGMENT = re.compile(r"(?!\.{1,2}$)(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+")


StoredPermission: TypeAlias = StoredRule[Permission]


class PermissionNotFound(NotFound):
    """There is no permission with this id."""

    codes = ("admin.permission.doesnt_exist",)


class PermissionTaken(Invalid):
    """Another permission has the same role, verb, path and action."""

    codes = ("path.taken",)


class RoleDoesNotExist(Invalid):
    """No permission names this role; the first one of a new role comes from the file."""

    codes = ("admin.permission.role_doesnt_exist",)


class InvalidVerb(Invalid):
    """The verb is not one of `VERBS`."""

    codes = ("admin.permissions.invalid_verb",)


class InvalidAction(Invalid):
    """The action is not one of `ACTIONS`."""

    codes = ("admin.permissions.invalid_action",)


class InvalidPath(Invalid):
    """No request can have this path: a DROP for it would forbid nothing."""

    codes = ("admin.permissions.invalid_path",)


@dataclass(frozen=True, slots=True)
class Trial:
    """The decision about a call, and the rules that make it, the shortest path first."""

    path: str
    verdict: Verdict
    rules: Sequence[Permission]
    permissions: Sequence[StoredPermission]


def checked(rule: Permission) -> Permission:
    """The permission as it is stored.

    Raises `InvalidVerb`, `InvalidAction` or `InvalidPath`, the first that applies.
    """
    return Permission(
        role=rule.role.strip(),
        verb=verb(rule.verb),
        action=action(rule.action),
        path=path(rule.path),
        topic=rule.topic.strip() if rule.topic else None,
    )


def verb(text: str) -> str:
    """A verb, in upper case; raises `InvalidVerb`."""
    word = text.strip().upper()
    if word not in VERBS:
        raise InvalidVerb
    return word


def action(text: str) -> str:
    """An action, in upper case; raises `InvalidAction`."""
    word = text.strip().upper()
    if word not in ACTIONS:
        raise InvalidAction
    return word


def path(text: str) -> str:
    """A path without slashes around it, ours as `api/v2/barong/…`; raises `InvalidPath`.

    Its segments are those of RFC 3986, 3.3, none of them empty, `.` or `..`: the gateway looks
    for rules by the canonical path, so that a rule for another name would protect nothing.
    """
    bare = text.strip().strip("/")
    if len(bare) > MAX_PATH or not all(map(_SEGMENT.fullmatch, bare.split("/"))):
        raise InvalidPath
    return under_one_name(f"/{bare}").removeprefix("/")


def identity(permission: Permission) -> tuple[str, str, str, str]:
    """What identifies a permission: no two have the same."""
    return permission.role, permission.verb, permission.path, permission.action


def called_verb(text: str) -> str:
    """The verb of a call, in upper case; raises `InvalidVerb`."""
    word = text.strip().upper()
    if word not in CALLS:
        raise InvalidVerb
    return word


def called_path(text: str) -> str:
    """The canonical path of a call; raises `InvalidPath`."""
    try:
        return canonical("/" + text.strip().removeprefix("/"))
    except Malformed:
        raise InvalidPath from None
