"""What a permission may say, and the one way to write it."""

import re

from shared.contracts.policy import Permission
from shared.errors import Invalid, NotFound
from shared.policy.paths import under_one_name

CALLS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
VERBS = (*CALLS, "ALL")
"""Calls with other verbs are decided by the permissions for ALL."""
ACTIONS = ("ACCEPT", "DROP", "AUDIT")
MAX_PATH, MAX_WORD = 1024, 255

_SEGMENT = re.compile(r"(?!\.{1,2}$)(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+")


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
    """No request can have this path: a DROP for it would protect nothing."""

    codes = ("admin.permissions.invalid_path",)


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

    Its segments are those of RFC 3986, 3.3, none of them empty, `.` or `..`: the gateway
    canonicalises what it is asked for before it looks for rules, so that a rule for another name
    would protect nothing.
    """
    bare = text.strip().strip("/")
    if len(bare) > MAX_PATH or not all(map(_SEGMENT.fullmatch, bare.split("/"))):
        raise InvalidPath
    return under_one_name(f"/{bare}").removeprefix("/")
