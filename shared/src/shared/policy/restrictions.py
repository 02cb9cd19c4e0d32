"""Decisions of restrictions about addresses: one evaluation for gateways and for admin-svc."""

from collections import defaultdict
from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from shared.contracts.policy import CATEGORIES, WHITELIST, Restriction
from shared.policy.places import Places, folded
from shared.values.addresses import Address

_CACHED = 10_000
"""The largest number of cached decisions, by address."""


class CompiledRestrictions:
    """Immutable restrictions, all of them in force."""

    def __init__(self, restrictions: Iterable[Restriction]) -> None:
        """Of two equal ones the first counts; raises ValueError for an invalid address."""
        rows_of: defaultdict[str, list[Restriction]] = defaultdict(list)
        for row in restrictions:
            rows_of[row.category].append(row)
        self._categories = [_Category(rows_of[name]) for name in CATEGORIES if name in rows_of]
        self._decided: dict[Address, Restriction | None] = {}

    def first_match(self, address: Address, places: Places) -> Restriction | None:
        """The restriction that decides about an address: the first by category, then by scope.

        Among networks the longest prefix comes first; a place's code comes before its name.
        """
        try:
            return self._decided[address]
        except KeyError:
            if len(self._decided) >= _CACHED:
                self._decided.clear()
            matches = (category.first_match(address, places) for category in self._categories)
            match = next((match for match in matches if match is not None), None)
            self._decided[address] = match
            return match

    def refusal(self, address: Address, places: Places) -> Restriction | None:
        """The restriction that keeps an address out, None where none does."""
        match = self.first_match(address, places)
        return None if match is None or match.category == WHITELIST else match


class _Category:
    def __init__(self, rows: Iterable[Restriction]) -> None:
        self._everyone: Restriction | None = None
        self._addresses: dict[Address, Restriction] = {}
        self._continents: dict[str, Restriction] = {}
        self._countries: dict[str, Restriction] = {}
        networks: list[Restriction] = []
        for row in rows:
            match row.scope:
                case "all":
                    self._everyone = self._everyone or row
                case "ip":
                    self._addresses.setdefault(ip_address(row.value), row)
                case "ip_subnet":
                    networks.append(row)
                case "continent":
                    self._continents.setdefault(folded(row.value), row)
                case "country":
                    self._countries.setdefault(folded(row.value), row)
        self._networks = _Networks(networks)

    def first_match(self, address: Address, places: Places) -> Restriction | None:
        return (
            self._everyone
            or self._addresses.get(address)
            or self._networks.longest(address)
            or self._of_place(address, places)
        )

    def _of_place(self, address: Address, places: Places) -> Restriction | None:
        if not self._continents and not self._countries:
            return None
        place = places.of(address)
        rows = (
            *(self._continents.get(word) for word in place.continent),
            *(self._countries.get(word) for word in place.country),
        )
        return next((row for row in rows if row is not None), None)


class _Networks:
    """Networks by their prefixes: one look-up for each length, at most 33 or 129."""

    def __init__(self, rows: Iterable[Restriction]) -> None:
        found: defaultdict[tuple[int, int], dict[int, Restriction]] = defaultdict(dict)
        for row in rows:
            network = ip_network(row.value)
            host_bits = network.max_prefixlen - network.prefixlen
            prefix = int(network.network_address) >> host_bits
            found[network.version, host_bits].setdefault(prefix, row)
        self._by_host_bits: dict[int, list[tuple[int, dict[int, Restriction]]]] = {4: [], 6: []}
        for version, host_bits in sorted(found):
            self._by_host_bits[version].append((host_bits, found[version, host_bits]))

    def longest(self, address: Address) -> Restriction | None:
        bits = int(address)
        for host_bits, prefixes in self._by_host_bits[address.version]:
            row = prefixes.get(bits >> host_bits)
            if row is not None:
                return row
        return None
