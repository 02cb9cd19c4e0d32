"""A small MaxMind file of places."""

from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet

GERMANY = {
    "continent": {"code": "EU", "names": {"en": "Europe", "de": "Europa"}},
    "country": {"iso_code": "DE", "names": {"en": "Germany", "de": "Deutschland"}},
}
JAPAN = {
    "continent": {"code": "AS", "names": {"en": "Asia", "de": "Asien"}},
    "country": {"iso_code": "JP", "names": {"en": "Japan", "de": "Japan"}},
}
ANTARCTICA = {"continent": {"code": "AN", "names": {"en": "Antarctica"}}}
PLACES = {
    "198.51.100.0/25": GERMANY,
    "2001:db8:d::/48": GERMANY,
    "198.51.100.128/25": JAPAN,
    "203.0.113.0/24": ANTARCTICA,
}


def write_places(file: Path) -> Path:
    """`file`, which says of some documentation addresses that they are somewhere."""
    writer = MMDBWriter(6, "Test-Country", languages=["en", "de"], ipv4_compatible=True)
    for network, place in PLACES.items():
        writer.insert_network(IPSet([network]), place)
    writer.to_db_file(str(file))
    return file
