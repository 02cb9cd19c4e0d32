"""Who reaches the operations of admin-svc."""

import pytest

from tests.support.client import Client

OPERATIONS = [
    ("GET", "admin/levels"),
    ("GET", "admin/permissions"),
    ("POST", "admin/permissions"),
    ("PUT", "admin/permissions"),
    ("DELETE", "admin/permissions"),
    ("GET", "admin/restrictions"),
    ("POST", "admin/restrictions"),
    ("PUT", "admin/restrictions"),
    ("DELETE", "admin/restrictions"),
    ("POST", "admin/restrictions/whitelink"),
    ("GET", "admin/users"),
    ("PUT", "admin/users"),
    ("POST", "admin/users/update"),
    ("POST", "admin/users/role"),
    ("POST", "admin/users/labels"),
    ("PUT", "admin/users/labels"),
    ("DELETE", "admin/users/labels"),
    ("POST", "admin/users/labels/update"),
    ("DELETE", "admin/users/data_storage"),
    ("PUT", "admin/profiles"),
    ("GET", "admin/api_keys"),
    ("GET", "admin/metrics"),
    ("GET", "admin/metrics/recent"),
    ("GET", "admin/permissions/check"),
    ("GET", "admin/restrictions/check"),
    ("GET", "admin/users/sessions"),
    ("DELETE", "admin/users/sessions"),
    ("GET", "admin/abilities"),
    ("GET", "admin/events?service=identity-svc"),
    ("POST", "admin/events/replays"),
    ("GET", "admin/dead_letters"),
    ("DELETE", "admin/dead_letters/mailer-svc"),
    ("GET", "admin/snapshots/users"),
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_a_bad_bearer_is_refused(client: Client, method: str, path: str) -> None:
    answer = await client.call(method, path, headers={"Authorization": "Bearer x.y.z"})

    assert (answer.status, answer.errors) == (401, ["jwt.decode_and_verify"])


async def test_a_member_is_refused(client: Client) -> None:
    await client.become_member()
    for method, path in OPERATIONS:
        answer = await client.call(method, path)
        assert (answer.status, answer.errors) == (401, ["authz.invalid_permission"]), path


async def test_what_is_internal_is_not_reached(admin: Client) -> None:
    form = {"token": "0" * 64, "address": "192.0.2.1"}
    for path in ("/api/v2/admin/whitelinks/use", "admin/whitelinks/use", "admin/policy"):
        answer = await admin.post(path, form)
        assert (answer.status, answer.body) == (404, {"error": "Route is not found"})
