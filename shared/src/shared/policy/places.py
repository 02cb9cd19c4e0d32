"""The continents and countries of addresses, from a MaxMind file."""

from ipaddress import IPv6Address
from pathlib import Path
from typing import NamedTuple, Protocol

import maxminddb
import structlog

from shared.settings import SettingsError
from shared.values.addresses import Address

log = structlog.get_logger()


class Place(NamedTuple):
    """The words for a continent and for a country, folded: the code, then the name."""

    continent: tuple[str, ...] = ()
    country: tuple[str, ...] = ()


NOWHERE = Place()


class Places(Protocol):
    """Finds the places of addresses."""

    def of(self, address: Address) -> Place:
        """The place of an address."""
        ...


class Unmapped:
    """Has no places; it logs that when the first is requested."""

    def __init__(self) -> None:
        self._said = False

    def of(self, address: Address) -> Place:
        """No place."""
        if not self._said:
            self._said = True
            log.warning(
                "places_unknown",
                reason="BARONG_MAXMINDDB_PATH is not set: restrictions of countries and "
                "continents match nobody",
            )
        return NOWHERE


class Mapped:
    """Reads a MaxMind file that is mapped into memory: replace it, do not write into it."""

    def __init__(self, file: Path, language: str) -> None:
        """Raises `SettingsError` for a file that cannot be read or has no names in `language`."""
        try:
            self._reader = maxminddb.open_database(file)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise SettingsError([f"BARONG_MAXMINDDB_PATH: {file}: {error}"]) from None
        metadata = self._reader.metadata()
        if metadata.languages and language not in metadata.languages:
            self._reader.close()
            known = ", ".join(metadata.languages)
            raise SettingsError([f"BARONG_GEOIP_LANG: {file} has only {known}."])
        self._language = language
        self._only_ipv4 = metadata.ip_version == 4

    def of(self, address: Address) -> Place:
        """The address's place, as far as the file has it."""
        if self._only_ipv4 and isinstance(address, IPv6Address):
            return NOWHERE
        found = self._reader.get(address)
        if not isinstance(found, dict):
            return NOWHERE
        return Place(
            self._words(found.get("continent"), "code"),
            self._words(found.get("country"), "iso_code"),
        )

    def _words(self, record: object, code: str) -> tuple[str, ...]:
        if not isinstance(record, dict):
            return ()
        names = record.get("names")
        name = names.get(self._language) if isinstance(names, dict) else None
        return tuple(folded(word) for word in (record.get(code), name) if isinstance(word, str))


def folded(word: str) -> str:
    """A code or a name as it is compared, regardless of case."""
    return word.casefold()


def places(path: str, language: str) -> Places:
    """The places of the file at `path`; of none when it is empty; raises `SettingsError`."""
    return Mapped(Path(path), language) if path else Unmapped()
