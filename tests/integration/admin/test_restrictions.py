"""/admin/restrictions and whitelinks, through the gateway."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from shared.clients.admin import AdminClient
from shared.contracts.services import GATEWAY, IDENTITY
from shared.crypto.key_ring import KeyRing
from shared.errors import Invalid, NotFound, Unavailable
from shared.tokens.service import ServiceTokens
from tests.support.client import Client
from tests.support.events import Ear
from tests.support.system import KEY, Installation
from tests.support.waiting import until

RESTRICTIONS = "admin/restrictions"
WHITELINK = "admin/restrictions/whitelink"
FULL = {"scope": "ip", "value": "198.19.0.0", "category": "blacklist"}
SPACES = "   "

_numbers = itertools.count(1)


def codes_of(name: str, *reasons: str) -> list[str]:
    return [f"admin.restriction.{reason}_{name}" for reason in reasons]


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in FULL.items() if key != name}


def an_address() -> str:
    """One that nothing else in the run uses (RFC 2544)."""
    return f"198.18.{next(_numbers) // 256}.{next(_numbers) % 256}"


NO_SCOPE = codes_of("scope", "missing", "empty", "invalid")
NO_VALUE = codes_of("value", "missing", "empty")
NO_CATEGORY = codes_of("category", "missing", "invalid", "empty")
BLANK_CATEGORY = codes_of("category", "invalid", "empty")

LIST_REFUSED: list[tuple[dict[str, str], list[str]]] = [
    ({"scope": "nope"}, codes_of("scope", "invalid")),
    ({"scope": ""}, codes_of("scope", "empty", "invalid")),
    ({"category": "nope"}, codes_of("category", "invalid")),
    ({"category": ""}, codes_of("category", "empty", "invalid")),
    ({"range": "nope"}, codes_of("range", "invalid")),
    ({"page": "0"}, ["non_positive_page"]),
    ({"limit": "101"}, ["invalid_limit"]),
    ({"page": "abc"}, ["non_integer_page", "non_positive_page"]),
]
ADD_REFUSED: list[tuple[dict[str, str], list[str]]] = [
    ({}, [*NO_SCOPE, *NO_VALUE, *NO_CATEGORY]),
    (without("scope"), NO_SCOPE),
    (without("value"), NO_VALUE),
    (without("category"), NO_CATEGORY),
    *((FULL | {"scope": blank}, codes_of("scope", "empty", "invalid")) for blank in ("", SPACES)),
    *((FULL | {"value": blank}, codes_of("value", "empty")) for blank in ("", SPACES)),
    *((FULL | {"category": blank}, BLANK_CATEGORY) for blank in ("", SPACES)),
    *((FULL | {"state": blank}, codes_of("state", "empty", "invalid")) for blank in ("", SPACES)),
    (FULL | {"code": ""}, codes_of("code", "empty")),
    (FULL | {"code": SPACES}, ["invalid", *codes_of("code", "empty")]),
    (FULL | {"scope": "nope"}, codes_of("scope", "invalid")),
    (FULL | {"category": "nope"}, codes_of("category", "invalid")),
    (FULL | {"state": "nope"}, codes_of("state", "invalid")),
    (FULL | {"code": "abc"}, ["invalid"]),
    # A status that is no error would let pass whom it is to keep out.
    (FULL | {"code": "200"}, ["invalid"]),
    *(
        (FULL | {"scope": scope, "value": value}, ["value.invalid"])
        for scope, value in (
            ("ip", "junk"),
            ("ip", "300.1.1.1"),
            ("ip", "198.19.0.0/24"),
            ("ip", "2001:db8:::1"),
            ("ip_subnet", "junk"),
            ("ip_subnet", "198.19.0.0"),
            ("ip_subnet", "198.19.0.0/33"),
            ("ip_subnet", "2001:db8::/129"),
            ("country", "12"),
            ("continent", "198.19.0.0"),
        )
    ),
    (
        {"scope": "nope", "value": "junk", "category": "nope", "state": "nope", "code": "abc"},
        [
            *(f"admin.restriction.invalid_{name}" for name in ("scope", "category", "state")),
            "invalid",
        ],
    ),
]
CHANGE_REFUSED: list[tuple[dict[str, str], list[str]]] = [
    ({"scope": "nope"}, codes_of("scope", "invalid")),
    ({"category": "nope"}, codes_of("category", "invalid")),
    ({"state": "nope"}, codes_of("state", "invalid")),
    ({"value": "junk"}, ["value.invalid"]),
    ({"scope": "ip_subnet"}, ["value.invalid"]),
    ({"code": "abc"}, ["invalid"]),
    ({"scope": ""}, codes_of("scope", "empty", "invalid")),
    ({"value": ""}, codes_of("value", "empty")),
    ({"state": ""}, codes_of("state", "empty", "invalid")),
    ({"code": ""}, codes_of("code", "empty")),
    ({"category": ""}, BLANK_CATEGORY),
]
ID_REFUSED: list[tuple[dict[str, str], int, list[str]]] = [
    ({}, 422, codes_of("id", "missing", "empty")),
    ({"id": ""}, 422, codes_of("id", "empty")),
    ({"id": "abc"}, 422, ["invalid"]),
    ({"id": "999999"}, 404, ["admin.restriction.doesnt_exist"]),
]
WHITELINK_REFUSED: list[tuple[dict[str, str], list[str]]] = [
    ({"expire_time": "0"}, ["invalid_expire"]),
    ({"expire_time": "31"}, ["invalid_expire"]),
    ({"expire_time": "abc"}, ["invalid", "invalid_expire"]),
    ({"expire_time": ""}, ["admin.restriction.empty_expire_time", "invalid_expire"]),
    ({"range": "week"}, ["invalid_range"]),
    ({"range": ""}, ["admin.restriction.empty_range", "invalid_range"]),
]


@pytest.fixture
async def restriction(admin: Client) -> dict[str, Any]:
    """A restriction of the test's own."""
    answer = await admin.post(RESTRICTIONS, FULL | {"value": an_address()})
    made: dict[str, Any] = answer.body
    return made


@pytest.fixture
async def identity(system: Installation) -> AsyncIterator[AdminClient]:
    """admin-svc's internal API, as identity-svc calls it."""
    tokens = ServiceTokens(IDENTITY, KeyRing.parse(KEY))
    made = AdminClient(system.internal_url("admin"), tokens)
    async with made.opened():
        yield made


@pytest.fixture
async def whitelink(admin: Client) -> str:
    """The token of a new whitelink."""
    token: str = (await admin.post(WHITELINK)).body["whitelink_token"]
    return token


async def of_value(admin: Client, value: str) -> list[dict[str, Any]]:
    """The restrictions with this value."""
    first = await admin.get(RESTRICTIONS)
    pages = -(-int(first.headers["Total"]) // 100)
    answers = [await admin.get(RESTRICTIONS, params={"page": page + 1}) for page in range(pages)]
    return [shown for answer in answers for shown in answer.body if shown["value"] == value]


@pytest.mark.parametrize(("params", "codes"), LIST_REFUSED)
async def test_a_list_is_refused(admin: Client, params: dict[str, str], codes: list[str]) -> None:
    answer = await admin.get(RESTRICTIONS, params=params)

    assert (answer.status, answer.errors) == (422, codes)


@pytest.mark.parametrize(("form", "codes"), ADD_REFUSED)
async def test_a_new_one_is_refused(admin: Client, form: dict[str, str], codes: list[str]) -> None:
    answer = await admin.post(RESTRICTIONS, form)

    assert (answer.status, answer.errors) == (422, codes)


@pytest.mark.parametrize(("form", "codes"), CHANGE_REFUSED)
async def test_a_change_is_refused(
    admin: Client, restriction: dict[str, Any], form: dict[str, str], codes: list[str]
) -> None:
    answer = await admin.call("PUT", RESTRICTIONS, {"id": restriction["id"], **form})

    assert (answer.status, answer.errors) == (422, codes)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(("params", "status", "codes"), ID_REFUSED)
async def test_one_that_is_not_named_is_refused(
    admin: Client, method: str, params: dict[str, str], status: int, codes: list[str]
) -> None:
    answer = await admin.call(method, RESTRICTIONS, params=params)

    assert (answer.status, answer.errors) == (status, codes)


async def test_a_value_is_taken_once_in_its_category_and_scope(
    admin: Client, restriction: dict[str, Any]
) -> None:
    value = restriction["value"]
    for same in (value, f"::ffff:{value}"):
        taken = await admin.post(RESTRICTIONS, FULL | {"value": same, "code": "444"})
        assert (taken.status, taken.errors) == (422, ["value.taken"])
    other = await admin.post(RESTRICTIONS, FULL | {"value": value, "category": "whitelist"})
    assert other.status == 201
    form = {"id": other.body["id"], "category": "blacklist"}
    changed = await admin.call("PUT", RESTRICTIONS, form)
    assert (changed.status, changed.errors) == (422, ["value.taken"])


@pytest.mark.parametrize(
    ("scope", "category", "said", "kept", "code"),
    [
        ("ip", "blacklist", "2001:DB8:0::7", "2001:db8::7", 401),
        ("ip_subnet", "blacklist", "198.19.7.7/24", "198.19.7.0/24", 403),
        ("ip_subnet", "whitelist", "2001:DB8:7::/48", "2001:db8:7::/48", 403),
        ("country", "blacklist", "New Caledonia", "New Caledonia", 423),
        ("continent", "blacklist", "AN", "AN", 423),
        ("all", "blacklist", "all", "all", 401),
        ("country", "maintenance", "NC", "NC", 471),
    ],
)
async def test_a_value_is_normalised_and_has_its_usual_code(
    admin: Client, scope: str, category: str, said: str, kept: str, code: int
) -> None:
    form = {"scope": scope, "category": category, "value": said, "state": "disabled"}
    answer = await admin.post(RESTRICTIONS, form)

    assert answer.status == 201
    assert (answer.body["value"], answer.body["code"]) == (kept, code)
    other_case = await admin.post(RESTRICTIONS, form | {"value": said.swapcase()})
    assert (other_case.status, other_case.errors) == (422, ["value.taken"])
    removed = await admin.call("DELETE", RESTRICTIONS, {"id": answer.body["id"]})
    assert removed.status == 204


async def test_a_restriction_is_added_changed_and_removed(admin: Client, ear: Ear) -> None:
    value, other = an_address(), an_address()
    added = await admin.post(RESTRICTIONS, FULL | {"value": value, "code": "444"})
    assert added.status == 201
    assert list(added.body) == [
        *("id", "category", "scope", "value", "code", "state", "created_at", "updated_at"),
    ]
    told = {**FULL, "value": value, "code": 444, "state": "enabled"}
    assert added.body | told == added.body
    assert await of_value(admin, value) == [added.body]
    number = added.body["id"]
    form = {"id": number, "value": other, "code": "455", "state": "disabled"}
    changed = await admin.call("PUT", RESTRICTIONS, form)
    told = {
        "value": other,
        "code": 455,
        "state": "disabled",
        "created_at": added.body["created_at"],
    }
    assert changed.status == 200
    assert changed.body | told == changed.body
    unchanged = await admin.call("PUT", RESTRICTIONS, {"id": number, "code": "455"})
    assert (unchanged.status, unchanged.body) == (200, changed.body)
    removed = await admin.call("DELETE", RESTRICTIONS, params={"id": number})
    assert (removed.status, removed.body) == (204, "")
    again = await admin.call("DELETE", RESTRICTIONS, params={"id": number})
    assert (again.status, again.errors) == (404, ["admin.restriction.doesnt_exist"])

    async def heard() -> list[Any]:
        mine = [event for event in ear.events if event.record.get("id") == number]
        mine = [event for event in mine if event.name.startswith("model.restriction.")]
        return mine if len(mine) == 3 else []

    created, updated, deleted = await until(heard)
    assert (created.name, created.record) == ("model.restriction.created", added.body)
    assert (updated.name, updated.record) == ("model.restriction.updated", changed.body)
    assert updated.changes == {"value": value, "code": 444, "state": "enabled"}
    assert (deleted.name, deleted.record) == ("model.restriction.deleted", changed.body)


async def test_the_list_is_filtered_and_comes_in_pages(admin: Client) -> None:
    for _ in range(3):
        value = f"{an_address()}/32"
        form = {"scope": "ip_subnet", "category": "whitelist", "value": value, "state": "disabled"}
        assert (await admin.post(RESTRICTIONS, form)).status == 201
    params = {"scope": "ip_subnet", "category": "whitelist", "range": "updated", "limit": "2"}
    answer = await admin.get(RESTRICTIONS, params=params)
    assert (answer.status, len(answer.body), answer.headers["Per-Page"]) == (200, 2, "2")
    assert int(answer.headers["Total"]) >= 3
    assert 'rel="next"' in answer.headers["Link"]
    assert {(one["scope"], one["category"]) for one in answer.body} == {("ip_subnet", "whitelist")}
    assert [one["id"] for one in answer.body] == sorted(one["id"] for one in answer.body)


async def test_of_fifty_alike_one_is_added(admin: Client) -> None:
    form = FULL | {"value": an_address()}
    answers = await asyncio.gather(*(admin.post(RESTRICTIONS, form) for _ in range(50)))

    seen = Counter((answer.status, *answer.body.get("errors", ())) for answer in answers)
    assert seen == {(201,): 1, (422, "value.taken"): 49}


async def test_gateways_are_told_of_what_is_enabled(
    admin: Client, system: Installation, restriction: dict[str, Any]
) -> None:
    gateway = AdminClient(system.internal_url("admin"), ServiceTokens(GATEWAY, KeyRing.parse(KEY)))
    async with gateway.opened():
        before = await gateway.policy_other_than(None)
        assert before is not None
        assert await gateway.policy_other_than(before.version) is None
        (mine,) = [one for one in before.restrictions if one.value == restriction["value"]]
        assert (mine.category, mine.scope, mine.code) == ("blacklist", "ip", 401)
        form = {"id": restriction["id"], "state": "disabled"}
        assert (await admin.call("PUT", RESTRICTIONS, form)).status == 200
        after = await gateway.policy_other_than(before.version)
        assert after is not None
        assert await gateway.policy_other_than(None) == after
    assert after.version > before.version
    assert restriction["value"] not in {one.value for one in after.restrictions}


@pytest.mark.parametrize(("form", "codes"), WHITELINK_REFUSED)
async def test_a_whitelink_is_refused(
    admin: Client, form: dict[str, str], codes: list[str]
) -> None:
    answer = await admin.post(WHITELINK, form)

    assert (answer.status, answer.errors) == (422, codes)


@pytest.mark.parametrize("form", [{}, {"expire_time": "30"}, {"range": "hour"}])
async def test_a_whitelink_is_a_token(admin: Client, form: dict[str, str]) -> None:
    answer = await admin.post(WHITELINK, form)

    assert (answer.status, list(answer.body)) == (201, ["whitelink_token"])
    assert len(bytes.fromhex(answer.body["whitelink_token"])) == 32


@pytest.mark.parametrize(
    ("address", "kept"), [("198.19.1.1", "198.19.1.1"), ("2001:DB8::1:1", "2001:db8::1:1")]
)
async def test_a_whitelink_lets_an_address_in(
    admin: Client, identity: AdminClient, whitelink: str, address: str, kept: str
) -> None:
    await identity.use_whitelink(whitelink, address)

    (made,) = await of_value(admin, kept)
    told = {"category": "whitelist", "scope": "ip", "code": 401, "state": "enabled"}
    assert made | told == made
    with pytest.raises(Invalid) as raised:
        await identity.use_whitelink(whitelink, address)
    assert raised.value.codes == ("value.taken",)


async def test_twenty_addresses_use_a_whitelink_at_once(
    identity: AdminClient, whitelink: str
) -> None:
    await asyncio.gather(*(identity.use_whitelink(whitelink, an_address()) for _ in range(20)))


async def test_an_address_uses_a_whitelink_twenty_times_at_once(
    identity: AdminClient, whitelink: str
) -> None:
    address = an_address()
    uses = (identity.use_whitelink(whitelink, address) for _ in range(20))
    outcomes = await asyncio.gather(*uses, return_exceptions=True)

    assert Counter(type(outcome) for outcome in outcomes) == {type(None): 1, Invalid: 19}


async def test_a_token_that_no_living_whitelink_has_is_refused(
    system: Installation, identity: AdminClient, whitelink: str
) -> None:
    for unknown in ("0" * 64, whitelink.upper(), f"{whitelink[:32]} {whitelink[32:]}", "ä"):
        with pytest.raises(NotFound) as raised:
            await identity.use_whitelink(unknown, an_address())
        assert raised.value.codes == ("whitelink.not_found",)
    with pytest.raises(Invalid):
        await identity.use_whitelink(whitelink, "junk")
    connection = await asyncpg.connect(system.environments["admin"]["DATABASE_URL"])
    try:
        rows = await connection.fetch("SELECT whitelinks::text FROM admin.whitelinks")
        assert rows
        assert not [row for row in rows if whitelink in row[0]]
        await connection.execute(
            "UPDATE admin.whitelinks SET expires_at = now() WHERE digest = sha256($1)",
            whitelink.encode(),
        )
    finally:
        await connection.close()
    with pytest.raises(NotFound):
        await identity.use_whitelink(whitelink, an_address())


async def test_nobody_but_identity_uses_whitelinks(system: Installation, whitelink: str) -> None:
    tokens = ServiceTokens(GATEWAY, KeyRing.parse(KEY))
    gateway = AdminClient(system.internal_url("admin"), tokens)
    async with gateway.opened():
        with pytest.raises(Unavailable):
            await gateway.use_whitelink(whitelink, an_address())
