"""The decision cache, through the gateway: everything that may change is checked each time."""

from collections.abc import AsyncIterator, Mapping

import pytest

from tests.support.client import USER_AGENT, Client
from tests.support.transport import Raw
from tests.support.waiting import until

ME = "/api/v2/barong/resource/users/me"
LABELS = "/api/v2/barong/resource/labels"
USERS = "/api/v2/barong/admin/users"
PING = "/api/v2/barong/identity/ping"
OFTEN = 4


@pytest.fixture
async def raw(client: Client) -> AsyncIterator[Raw]:
    await client.become_member()
    async with Raw.to(client.system.gateway_url) as made:
        yield made


def of(client: Client, **more: str) -> dict[str, str]:
    cookie = f"_barong_session={client.cookie}"
    return {"Host": "gateway", "User-Agent": USER_AGENT, "Cookie": cookie, **more}


async def call(
    raw: Raw, path: str, headers: Mapping[str, str], method: str = "GET", body: str = ""
) -> tuple[int, str]:
    lines = (f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()))
    await raw.send("\r\n".join((*lines, "", body)))
    status, _, content = await raw.answer()
    return status, content.decode()


async def called_often(raw: Raw, client: Client) -> dict[str, str]:
    """Calls until the gateway has cached the caller; returns the headers."""
    headers = of(client)
    for _ in range(OFTEN):
        status, body = await call(raw, ME, headers)
        assert status == 200
        assert client.email in body
    return headers


async def test_other_callers_on_the_same_connection(raw: Raw, client: Client) -> None:
    headers = await called_often(raw, client)
    async with Client(client.system) as other:
        await other.become_member()
        for _ in range(2):
            assert other.email in (await call(raw, ME, of(other)))[1]
            assert client.email in (await call(raw, ME, headers))[1]
    assert (await call(raw, ME, {"Host": "gateway", "User-Agent": USER_AGENT}))[0] == 401


async def test_other_paths_are_authorized(raw: Raw, client: Client) -> None:
    assert (await call(raw, PING, of(client)))[0] == 200
    headers = await called_often(raw, client)
    assert await call(raw, USERS, headers) == (401, '{"errors": ["authz.invalid_permission"]}')
    assert (await call(raw, "/none", headers))[0] == 404
    assert (await call(raw, "/api/v2/barong/resource/../admin", headers))[0] == 400
    assert (await call(raw, PING, headers))[0] == 200
    assert (await call(raw, ME, headers))[0] == 200
    assert (await call(raw, f"{ME}?x=1", headers))[0] == 200


async def test_unsafe_methods_need_a_csrf_token_each_time(raw: Raw, client: Client) -> None:
    headers = await called_often(raw, client)
    for verb, path in (("DELETE", LABELS), ("PURGE", f"/api/v2/auth{LABELS}")):
        without = await call(raw, path, headers, verb)
        assert without == (401, '{"errors": ["authz.missing_csrf_token"]}')
    wrong = of(client, **{"X-CSRF-Token": "wrong"})
    for _ in range(OFTEN):
        assert (await call(raw, ME, wrong))[0] == 200
    got = await call(raw, LABELS, wrong, "DELETE")
    assert got == (401, '{"errors": ["authz.csrf_token_mismatch"]}')


@pytest.mark.parametrize("header", ["User-Agent", "X-Forwarded-For"])
async def test_the_client_binding_is_checked_each_time(
    raw: Raw, client: Client, header: str
) -> None:
    """The tests' own proxy is trusted: it may forward another address."""
    await called_often(raw, client)
    moved = of(client) | {header: "203.0.113.9"}
    assert await call(raw, ME, moved) == (401, '{"errors": ["authz.client_session_mismatch"]}')


async def test_a_log_out_takes_effect(raw: Raw, client: Client) -> None:
    headers = await called_often(raw, client)
    assert (await client.call("DELETE", "identity/sessions")).status == 204

    async def refused() -> bool:
        return await call(raw, ME, headers) == (401, '{"errors": ["authz.invalid_session"]}')

    await until(refused)


async def test_a_restriction_takes_effect_on_public_paths_too(
    raw: Raw, client: Client, admin: Client
) -> None:
    address = "100.64.7.1"
    headers = {"Host": "gateway", "User-Agent": "x", "X-Forwarded-For": address}
    for _ in range(OFTEN):
        assert (await call(raw, PING, headers))[0] == 200
    form = {"category": "blacklist", "scope": "ip", "value": address}
    assert (await admin.post("admin/restrictions", form)).status == 201

    async def restricted() -> bool:
        return await call(raw, PING, headers) == (401, '{"errors": ["authz.restrict.blacklist"]}')

    await until(restricted)


async def test_decisions_about_the_whitelink_path_are_not_cached(
    raw: Raw, client: Client, admin: Client
) -> None:
    """Restrictions do not apply to this path."""
    address = "100.64.7.2"
    headers = {"Host": "gateway", "User-Agent": "x", "X-Forwarded-For": address}
    form = {"category": "blacklist", "scope": "ip", "value": address}
    assert (await admin.post("admin/restrictions", form)).status == 201

    async def restricted() -> bool:
        return (await call(raw, PING, headers))[0] == 401

    await until(restricted)
    for _ in range(OFTEN):
        way_in = await call(raw, "/api/v2/barong/identity/users/access", headers)
        assert "authz.restrict" not in way_in[1]
    assert (await call(raw, PING, headers))[0] == 401
