"""The services whose published events administrators search and replay."""

from admin_svc.event_archive.schemas import OWNERS
from shared.contracts.catalogue import CATALOGUE


def test_they_are_all_that_own_an_event() -> None:
    assert set(OWNERS) == {event.owner for event in CATALOGUE.values()}
