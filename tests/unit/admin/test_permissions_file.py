"""The permissions file: what its entries stand for, and what is refused in them."""

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from admin_svc.permissions.file import read_permissions
from admin_svc.permissions.models import ACTIONS, VERBS
from shared.contracts.policy import Permission
from shared.settings import SettingsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "permissions.yaml"


def faults(file: Path) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        read_permissions(file)
    return [fault.removeprefix(str(file)).lstrip(", :") for fault in raised.value.faults]


def test_lists_stand_for_every_combination(file: Path) -> None:
    file.write_text(
        """
        - {role: [admin, support], verb: [get, POST], path: /api/v2/, action: audit, topic: demo}
        - {role: member, verb: ALL, path: api/v2/demo, action: ACCEPT}
        """
    )

    assert read_permissions(file) == (
        Permission("admin", "GET", "api/v2", "AUDIT", "demo"),
        Permission("admin", "POST", "api/v2", "AUDIT", "demo"),
        Permission("support", "GET", "api/v2", "AUDIT", "demo"),
        Permission("support", "POST", "api/v2", "AUDIT", "demo"),
        Permission("member", "ALL", "api/v2/demo", "ACCEPT", None),
    )


def test_names_of_one_path_are_one_path(file: Path) -> None:
    file.write_text("- {role: member, verb: GET, path: [admin/users, resource], action: DROP}")
    assert [rule.path for rule in read_permissions(file)] == [
        "api/v2/barong/admin/users",
        "api/v2/barong/resource",
    ]


def test_what_is_said_twice_counts_once_and_is_warned_of(file: Path) -> None:
    file.write_text(
        """
        - {role: member, verb: GET, path: [admin, /api/v2/admin/], action: DROP, topic: first}
        - {role: member, verb: get, path: api/v2/barong/admin, action: drop, topic: second}
        """
    )
    with capture_logs() as logs:
        (rule,) = read_permissions(file)
    assert rule == Permission("member", "GET", "api/v2/barong/admin", "DROP", "first")
    warned = [line["permission"] for line in logs if line["event"] == "permission_said_twice"]
    assert warned == ["member GET api/v2/barong/admin DROP"] * 2


def test_every_fault_is_told_at_once(file: Path) -> None:
    file.write_text(
        """
        - {role: no, verb: [FETCH, GET, X], path: a//b, action: ALLOW, tpic: x}
        - {role: [], verb: get, path: a, action: accept, topic: ' '}
        - nothing
        - {verb: get, path: b, action: accept}
        - {role: member, verb: [get, GET], path: a, action: accept}
        """
    )

    assert faults(file) == [
        "entry 1: tpic: is no key of an entry",
        "entry 1: role: False is not allowed",
        "entry 1: verb: 'FETCH' is not allowed",
        "entry 1: verb: 'X' is not allowed",
        "entry 1: path: 'a//b' is not allowed",
        "entry 1: action: 'ALLOW' is not allowed",
        "entry 2: role: [] is not allowed",
        "entry 2: topic: ' ' is not allowed",
        "entry 3: entry: 'nothing' is no mapping",
        "entry 4: role: is missing",
    ]


@pytest.mark.parametrize(
    "content",
    [b"{", b"\x00", b"\xff", b"- {a: 2026-13-45}", b"- {? [a] : b}", b"- *unknown", b"[" * 5000],
)
def test_what_is_no_yaml_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)

    [fault] = faults(file)
    assert fault.startswith("is no YAML")


@pytest.mark.parametrize("content", ["", "role: member", "text", "1"])
def test_what_is_no_list_is_refused(file: Path, content: str) -> None:
    file.write_text(content)

    assert faults(file) == ["is no list"]


def test_a_file_that_cannot_be_read_is_told(file: Path) -> None:
    assert faults(file) == ["No such file or directory"]
    assert faults(file.parent) == ["Is a directory"]


words = st.lists(
    st.text("abcdefgh_-0", min_size=1, max_size=5), min_size=1, max_size=3, unique=True
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    roles=words,
    verbs=st.lists(st.sampled_from(VERBS), min_size=1, max_size=9, unique=True),
    paths=words,
    action=st.sampled_from(ACTIONS),
)
def test_no_combination_is_lost(
    file: Path, roles: list[str], verbs: list[str], paths: list[str], action: str
) -> None:
    file.write_text(yaml.dump([{"role": roles, "verb": verbs, "path": paths, "action": action}]))

    permissions = read_permissions(file)

    assert len(set(permissions)) == len(permissions) == len(roles) * len(verbs) * len(paths)
    assert {permission.role for permission in permissions} == set(roles)
