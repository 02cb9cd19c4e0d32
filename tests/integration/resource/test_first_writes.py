"""What users write before resource-svc has heard of them."""

import pytest

from tests.support.client import Client
from tests.support.internal import tables_of_identity, tables_of_resource
from tests.support.system import Installation

WRITES = [
    ("POST", "labels", {"key": "colour", "value": "green"}, 201),
    ("PATCH", "labels/colour", {"value": "green"}, 404),
    ("DELETE", "labels/colour", {}, 404),
    ("POST", "profiles", {"first_name": "Ann"}, 201),
    ("PUT", "profiles", {"first_name": "Ann"}, 404),
    ("POST", "data_storage", {"title": "company", "data": "[]"}, 201),
]
WRITTEN = pytest.mark.parametrize(
    ("method", "path", "form", "status"), WRITES, ids=[f"{m} {p}" for m, p, *_ in WRITES]
)


@pytest.fixture
async def uid(client: Client, system: Installation) -> str:
    """A member of whom resource-svc knows the labels, and has heard nothing else."""
    uid = str((await client.become_member()).body["uid"])
    async with tables_of_resource(system) as tables:
        await tables.execute("DELETE FROM users WHERE uid = $1", uid)
    return uid


@WRITTEN
async def test_who_is_unknown_is_asked_for_and_writes(
    client: Client,
    system: Installation,
    uid: str,
    method: str,
    path: str,
    form: dict[str, str],
    status: int,
) -> None:
    answer = await client.call(method, f"resource/{path}", form)

    assert answer.status == status, answer.body
    async with tables_of_resource(system) as tables, tables_of_identity(system) as owner:
        of_user = "SELECT email, state, version FROM users WHERE uid = $1"
        assert await tables.fetchrow(of_user, uid) == await owner.fetchrow(of_user, uid)
