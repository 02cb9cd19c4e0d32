"""GET /admin/restrictions/check through the gateway: would this lock me out?"""

from collections.abc import AsyncIterator

import pytest

from tests.integration.gateway.test_restrictions import RESTRICTIONS, add, answers
from tests.support.client import Client
from tests.support.own_service import client_of
from tests.support.places_file import write_places
from tests.support.system import Installation, started
from tests.support.waiting import until

CHECK = "admin/restrictions/check"
HOME, JAPAN = "198.51.100.5", "198.51.100.200"  # in Germany and in Japan, by the file of places
TERMS = {"category": "blacklist", "scope": "ip", "value": "192.0.2.7"}


def both(name: str) -> list[str]:
    return [f"admin.restriction.missing_{name}", f"admin.restriction.empty_{name}"]


REFUSED: list[tuple[dict[str, str], list[str]]] = [
    (
        {},
        [
            *(*both("scope"), "admin.restriction.invalid_scope"),
            *both("value"),
            "admin.restriction.missing_category",
            *("admin.restriction.invalid_category", "admin.restriction.empty_category"),
        ],
    ),
    (TERMS | {"value": "192.0.2.300"}, ["value.invalid"]),
    (TERMS | {"scope": "planet"}, ["admin.restriction.invalid_scope"]),
    (TERMS | {"category": "greylist"}, ["admin.restriction.invalid_category"]),
    (TERMS | {"state": "on"}, ["admin.restriction.invalid_state"]),
    (TERMS | {"code": "200"}, ["invalid"]),
    *(
        (TERMS | {"address": address}, ["admin.restriction.invalid_address"])
        for address in ("nowhere", "192.0.2.0/24", "192.0.2.300", "1" * 500)
    ),
    (TERMS | {"country": "x" * 65}, ["admin.restriction.invalid_country"]),
    (TERMS | {"continent": "a\x07"}, ["admin.restriction.invalid_continent"]),
]


@pytest.mark.parametrize(("params", "codes"), REFUSED)
async def test_refused(admin: Client, params: dict[str, str], codes: list[str]) -> None:
    answer = await admin.get(CHECK, params=params)

    assert (answer.status, answer.errors) == (422, codes)


@pytest.fixture(scope="module")
async def at_home(
    system: Installation, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Client]:
    """A superadmin who calls from Germany."""
    file = write_places(tmp_path_factory.mktemp("places") / "places.mmdb")
    async with client_of(system, "admin", BARONG_MAXMINDDB_PATH=str(file)) as made:
        made.headers["X-Forwarded-For"] = HOME
        assert (await made.log_in_as_superadmin()).status == 201
        yield made


async def test_it_says_what_would_be_decided_and_why(at_home: Client) -> None:
    terms = {"category": "blacklist", "scope": "country", "value": " Germany "}
    answer = await at_home.get(CHECK, params={**terms, "address": JAPAN})

    rule = {"category": "blacklist", "scope": "country", "value": "Germany", "code": 423}
    assert answer.status == 200
    assert answer.body == {
        "restriction": {**rule, "state": "enabled"},
        "locks_out_yourself": True,
        "yourself": {"address": HOME, "allowed": False, "restriction": rule},
        "caller": {"address": JAPAN, "allowed": True, "restriction": None},
    }
    assert list(answer.body["restriction"]) == ["category", "scope", "value", "state", "code"]


@pytest.mark.parametrize(
    ("scope", "value", "locks_out"),
    [
        ("all", "everybody", True),
        ("ip", HOME, True),
        ("ip", f"::ffff:{HOME}", True),
        ("ip", "198.51.100.6", False),
        ("ip_subnet", "0.0.0.0/0", True),
        ("ip_subnet", "::/0", False),
        ("country", "de", True),
        ("country", "JP", False),
        ("continent", "EUROPE", True),
    ],
)
async def test_the_change_is_refused_exactly_if_the_trial_says_so(
    at_home: Client, scope: str, value: str, locks_out: bool
) -> None:
    terms = {"category": "maintenance", "scope": scope, "value": value}
    tried = await at_home.get(CHECK, params=terms)
    assert tried.body["locks_out_yourself"] is locks_out
    assert tried.body["caller"] is None
    assert (await at_home.get(CHECK, params={**terms, "state": "disabled"})).body[
        "locks_out_yourself"
    ] is False
    # The real change is made only where nothing else of this run is in its way.
    if locks_out:
        made = await at_home.post(RESTRICTIONS, terms)
        assert (made.status, made.errors) == (422, ["admin.restriction.locks_out_yourself"])


CALLERS: list[tuple[dict[str, str], dict[str, str], bool]] = [
    ({"scope": "country", "value": "Germany"}, {"address": HOME}, False),
    ({"scope": "country", "value": "Germany"}, {"address": "2001:db8:d::1"}, False),
    ({"scope": "country", "value": "Germany"}, {"address": JAPAN}, True),
    ({"scope": "country", "value": "DE"}, {"country": "de"}, False),
    ({"scope": "country", "value": "DE"}, {"country": "FR"}, True),
    ({"scope": "continent", "value": "Asia"}, {"continent": "ASIA", "country": "DE"}, False),
    ({"scope": "country", "value": "DE"}, {"address": JAPAN, "country": "DE"}, False),
    ({"scope": "all", "value": "all"}, {"country": "FR"}, False),
    # No rule for addresses is about a whole country.
    ({"scope": "ip_subnet", "value": "0.0.0.0/0"}, {"country": "FR"}, True),
    ({"scope": "ip_subnet", "value": "2001:db8::/32"}, {"address": "2001:db8::1"}, False),
    ({"scope": "ip", "value": "192.0.2.9"}, {"address": "::ffff:192.0.2.9"}, False),
]


@pytest.mark.parametrize(("terms", "caller", "allowed"), CALLERS)
async def test_another_caller(
    at_home: Client, terms: dict[str, str], caller: dict[str, str], allowed: bool
) -> None:
    answer = await at_home.get(CHECK, params={"category": "blacklist", **terms, **caller})
    decision = answer.body["caller"]
    assert decision["allowed"] is allowed
    assert decision["restriction"] is None or decision["restriction"]["scope"] == terms["scope"]
    assert (decision["address"] is None) == ("address" not in caller)


async def test_restrictions_in_force_count_and_nothing_is_changed(
    system_of_my_own: Installation,
) -> None:
    everybody = {"category": "blacklist", "scope": "all", "value": "all"}
    async with (
        started(system_of_my_own),
        Client(system_of_my_own) as admin,
        Client(system_of_my_own) as client,
    ):
        assert (await admin.log_in_as_superadmin()).status == 201
        assert (await admin.get(CHECK, params=everybody)).body["locks_out_yourself"] is True
        assert (await admin.get(RESTRICTIONS)).body == []
        way_in = await add(admin, "whitelist", "ip_subnet", "127.0.0.0/8")
        params = {**everybody, "address": "192.0.2.1"}
        tried = (await admin.get(CHECK, params=params)).body
        assert tried["locks_out_yourself"] is False
        assert tried["yourself"]["restriction"]["category"] == "whitelist"
        assert tried["caller"]["restriction"] == {**everybody, "code": 401}

        # The gateway decides the same.
        row = await add(admin, **everybody)
        assert await until(answers(client, "192.0.2.1", 401), 20)
        assert (await admin.get("resource/users/me")).status == 200
        for each in (row, way_in):
            deleted = await admin.call("DELETE", RESTRICTIONS, params={"id": each["id"]})
            assert deleted.status == 204


async def test_the_stronger_of_two_rules_decides(at_home: Client) -> None:
    address = "2001:db8:c::1"
    row = await add(at_home, "blacklist", "ip", address)
    terms = {"category": "blacklist", "scope": "ip_subnet", "value": "2001:db8:c::/48"}
    tried = await at_home.get(CHECK, params={**terms, "address": address})
    assert tried.body["caller"]["restriction"]["scope"] == "ip"
    terms["category"] = "whitelist"
    tried = await at_home.get(CHECK, params={**terms, "address": address})
    assert tried.body["caller"]["restriction"] == {**terms, "code": 403}
    assert tried.body["caller"]["allowed"] is True
    await at_home.call("DELETE", RESTRICTIONS, params={"id": row["id"]})
