"""The records of barong_events are those of the contract."""

import dataclasses

from barong_events import RECORDS
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.records import EventRecord


def test_every_event_of_the_contract_has_its_record() -> None:
    assert set(RECORDS) == {each.name for each in CATALOGUE.values()}


def test_a_record_has_the_fields_of_the_contract() -> None:
    for each in CATALOGUE.values():
        assert names(RECORDS[each.name]) == names(each.record), each.name


def names(record: type) -> set[str]:
    assert issubclass(record, EventRecord) or record in RECORDS.values()
    return {field.name for field in dataclasses.fields(record)}
