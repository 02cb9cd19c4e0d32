"""The compiled restrictions decide like a simple evaluation of the rules."""

import time
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.policy import CATEGORIES, SCOPES, Restriction
from shared.policy.places import Mapped, Place, Places, Unmapped, places
from shared.policy.restrictions import CompiledRestrictions
from shared.settings import SettingsError
from shared.values.addresses import Address
from tests.support.places_file import write_places

WHERE = {
    "10.0.0.1": Place(("eu", "europe"), ("de", "germany")),
    "10.0.0.2": Place(("as", "asia"), ("jp", "japan")),
    "10.0.129.1": Place(("an", "antarctica"), ()),
    "10.1.0.1": Place(),
    "fd00::1": Place(("eu", "europe"), ("de", "germany")),
    "fd00::8000:1": Place(("as",), ("jp",)),
    "fd00:1::1": Place(),
}
ADDRESSES = st.sampled_from(list(WHERE))


class Atlas:
    def of(self, address: Address) -> Place:
        return WHERE[str(address)]


def network_of(address: str) -> st.SearchStrategy[str]:
    width = ip_address(address).max_prefixlen
    return st.integers(0, width).map(
        lambda length: str(ip_network(f"{address}/{length}", strict=False))
    )


VALUES = {
    "all": st.just("all"),
    "ip": ADDRESSES,
    "ip_subnet": ADDRESSES.flatmap(network_of),
    "continent": st.sampled_from(["EU", "europe", "AS", "Asia", "AN"]),
    "country": st.sampled_from(["DE", "GERMANY", "jp", "Japan", "FR"]),
}
RESTRICTIONS = st.sampled_from(SCOPES).flatmap(
    lambda scope: st.builds(
        Restriction,
        category=st.sampled_from(CATEGORIES),
        scope=st.just(scope),
        value=VALUES[scope],
        code=st.integers(400, 599),
    )
)


def closeness(row: Restriction, address: Address, place: Place) -> int | None:
    """How specific a matching row is in its scope: smaller is more specific; None: no match."""
    match row.scope:
        case "all":
            return 0
        case "ip":
            return 0 if ip_address(row.value) == address else None
        case "ip_subnet":
            network = ip_network(row.value)
            return -network.prefixlen if address in network else None
        case "continent":
            words = place.continent
        case _:
            words = place.country
    return words.index(row.value.lower()) if row.value.lower() in words else None


@given(st.lists(RESTRICTIONS, max_size=12), ADDRESSES)
def test_agrees_with_a_simple_evaluation_of_the_rows(rows: list[Restriction], caller: str) -> None:
    address = ip_address(caller)
    ranked = [
        (CATEGORIES.index(row.category), SCOPES.index(row.scope), close, number)
        for number, row in enumerate(rows)
        if (close := closeness(row, address, WHERE[caller])) is not None
    ]
    expected = rows[min(ranked)[-1]] if ranked else None
    assert CompiledRestrictions(rows).first_match(address, Atlas()) == expected


def a_row(category: str, scope: str, value: str, code: int = 401) -> Restriction:
    return Restriction(category, scope, value, code)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_places(tmp_path_factory.mktemp("places") / "places.mmdb")


@pytest.fixture(scope="module")
def atlas(file: Path) -> Places:
    return Mapped(file, "en")


WHITE, SHUT, BLACK = CATEGORIES
DE = a_row(BLACK, "country", "de", 423)
EUROPE = a_row(BLACK, "continent", "eUROPE", 424)
NET_24 = a_row(BLACK, "ip_subnet", "198.51.100.0/24", 403)
NET_30 = a_row(BLACK, "ip_subnet", "198.51.100.0/30", 404)
NET_6 = a_row(BLACK, "ip_subnet", "2001:db8:d::/64", 403)
ONE = a_row(BLACK, "ip", "198.51.100.1", 401)
ONE_6 = a_row(BLACK, "ip", "2001:db8:d::1", 401)
ALL = a_row(BLACK, "all", "all", 455)
ALL_SHUT = a_row(SHUT, "all", "all", 471)
SHUT_DE = a_row(SHUT, "country", "Germany", 471)
LET_IN = a_row(WHITE, "country", "DE")
EVERYTHING = [DE, EUROPE, NET_24, NET_30, ONE, NET_6, ONE_6, ALL, ALL_SHUT, SHUT_DE, LET_IN]


@pytest.mark.parametrize(
    ("rows", "caller", "expected"),
    [
        ([], "198.51.100.1", None),
        (EVERYTHING, "198.51.100.1", LET_IN),
        (EVERYTHING, "2001:db8:d::1", LET_IN),
        (EVERYTHING, "192.0.2.1", ALL_SHUT),
        (EVERYTHING[:8], "198.51.100.1", ALL),
        ([DE, ALL, SHUT_DE], "198.51.100.1", SHUT_DE),
        ([DE, ALL, SHUT_DE], "198.51.100.129", ALL),
        (EVERYTHING[:7], "198.51.100.1", ONE),
        (EVERYTHING[:7], "198.51.100.2", NET_30),
        (EVERYTHING[:7], "198.51.100.4", NET_24),
        (EVERYTHING[:7], "198.51.101.4", None),
        (EVERYTHING[:7], "2001:db8:d::1", ONE_6),
        (EVERYTHING[:7], "2001:db8:d::2", NET_6),
        (EVERYTHING[:7], "2001:db8:d:1::2", EUROPE),
        (EVERYTHING[:7], "2001:db8:e::2", None),
        ([DE], "198.51.100.127", DE),
        ([DE], "198.51.100.128", None),
        ([DE], "203.0.113.1", None),
        ([a_row(BLACK, "continent", "an")], "203.0.113.1", a_row(BLACK, "continent", "an")),
        ([a_row(BLACK, "country", "Deutschland")], "198.51.100.1", None),
        ([a_row(BLACK, "country", "EU")], "198.51.100.1", None),
        ([a_row(BLACK, "ip_subnet", "0.0.0.0/0")], "2001:db8:e::2", None),
        ([a_row(BLACK, "ip_subnet", "::/0")], "192.0.2.1", None),
    ],
)
def test_the_first_match_decides(
    atlas: Places, rows: list[Restriction], caller: str, expected: Restriction | None
) -> None:
    assert CompiledRestrictions(rows).first_match(ip_address(caller), atlas) == expected


def test_names_are_in_the_configured_language(file: Path) -> None:
    row = a_row(BLACK, "country", "DEUTSCHLAND")
    compiled = CompiledRestrictions([row])
    assert compiled.first_match(ip_address("198.51.100.1"), places(str(file), "de")) == row


def test_without_a_file_places_match_nobody_and_one_warning_is_logged() -> None:
    compiled, unmapped = CompiledRestrictions([DE, EUROPE, ONE]), places("", "en")
    assert isinstance(unmapped, Unmapped)
    with structlog.testing.capture_logs() as logs:
        assert compiled.first_match(ip_address("198.51.100.1"), unmapped) == ONE
        assert logs == []
        for _ in range(3):
            assert compiled.first_match(ip_address("198.51.100.2"), unmapped) is None
    assert [(line["event"], line["log_level"]) for line in logs] == [("places_unknown", "warning")]


def test_a_file_that_is_missing_or_broken_is_a_fault(tmp_path: Path, file: Path) -> None:
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(file.read_bytes()[:200])
    empty = tmp_path / "empty.mmdb"
    empty.touch()
    for path in (broken, empty, tmp_path, tmp_path / "none.mmdb"):
        with pytest.raises(SettingsError, match="BARONG_MAXMINDDB_PATH"):
            places(str(path), "en")
    with pytest.raises(SettingsError, match=r"BARONG_GEOIP_LANG.*en, de"):
        places(str(file), "fr")


def test_the_cost_does_not_grow_with_the_number_of_rows(atlas: Places) -> None:
    addresses = [a_row(BLACK, "ip", f"10.{n >> 8}.{n & 255}.1") for n in range(10_000)]
    networks = [a_row(BLACK, "ip_subnet", f"11.{n >> 8}.{n & 255}.0/24") for n in range(10_000)]
    many, few = CompiledRestrictions(addresses + networks), CompiledRestrictions([ONE, NET_24])
    caller = ip_address("192.0.2.1")

    def seconds(compiled: CompiledRestrictions) -> float:
        started = time.thread_time()
        for _ in range(1000):
            assert compiled.first_match(caller, atlas) is None
        return time.thread_time() - started

    assert min(seconds(many) for _ in range(5)) < 5 * min(seconds(few) for _ in range(5))
