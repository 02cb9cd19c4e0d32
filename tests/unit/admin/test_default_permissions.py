"""The permissions that every installation starts with, decided as the default roles are described.

The evaluator here is as simple as the rule: any matching DROP, or no matching ACCEPT, denies.
"""

from pathlib import Path

import pytest

from admin_svc.permissions.file import read_permissions
from tests.unit.admin.contract import (
    ABOUT_EVENTS,
    ADMIN,
    IDENTITY,
    RESOURCE,
    ROLES,
    STAFF,
    Operation,
)

FILE = Path(__file__).parents[3] / "deploy" / "config" / "permissions.yaml"
PERMISSIONS = read_permissions(FILE)
RECORDED = ("POST", "PUT", "PATCH", "DELETE")


def actions(role: str, verb: str, path: str) -> set[str]:
    segments = f"api/v2/barong/{path}".split("/")
    return {
        rule.action
        for rule in PERMISSIONS
        if rule.role == role
        and rule.verb in (verb, "ALL")
        and segments[: rule.path.count("/") + 1] == rule.path.split("/")
    }


def allowed(role: str, verb: str, path: str) -> bool:
    found = actions(role, verb, path)
    return "ACCEPT" in found and "DROP" not in found


def test_the_contract_has_71_operations() -> None:
    assert len({*ADMIN, *RESOURCE, *IDENTITY}) == 71


def test_superadmin_reaches_every_operation() -> None:
    for verb, path in (*ADMIN, *RESOURCE, *IDENTITY):
        assert allowed("superadmin", verb, path), (verb, path)


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize(("operation", "roles"), ADMIN.items())
def test_admin_operations(role: str, operation: Operation, roles: frozenset[str]) -> None:
    assert allowed(role, *operation) == (role in roles)


@pytest.mark.parametrize("role", sorted(ROLES))
def test_every_role_uses_resource(role: str) -> None:
    for verb, path in RESOURCE:
        assert allowed(role, verb, path), (verb, path)


@pytest.mark.parametrize("role", sorted(ROLES))
def test_head_is_allowed_where_get_is(role: str) -> None:
    for verb, path in (*ADMIN, *RESOURCE):
        if verb == "GET":
            assert allowed(role, "HEAD", path) == allowed(role, "GET", path), path


@pytest.mark.parametrize("role", sorted(ROLES))
def test_what_the_staff_changes_is_recorded_and_nothing_else(role: str) -> None:
    for verb, path in (*ADMIN, *RESOURCE):
        recorded = "AUDIT" in actions(role, verb, path)
        assert recorded == (role in STAFF and verb in RECORDED), (verb, path)


@pytest.mark.parametrize("role", sorted(ROLES - {"superadmin", "admin"}))
@pytest.mark.parametrize("path", ["admin", "adminx/users", "admin/usersx", "admin/metrics2"])
def test_a_path_that_only_begins_alike_is_another(role: str, path: str) -> None:
    assert not allowed(role, "POST", path)
    if role not in ("accountant", "technical") or not path.startswith("admin"):
        assert not allowed(role, "GET", path)


@pytest.mark.parametrize("operation", ABOUT_EVENTS)
def test_events_are_for_superadmins_and_each_look_is_recorded(operation: Operation) -> None:
    assert [role for role in sorted(ROLES) if allowed(role, *operation)] == ["superadmin"]
    assert "AUDIT" in actions("superadmin", *operation)


def test_an_unknown_role_may_nothing() -> None:
    for verb, path in (*ADMIN, *RESOURCE):
        assert not allowed("nobody", verb, path)
        assert not allowed("Superadmin", verb, path)
