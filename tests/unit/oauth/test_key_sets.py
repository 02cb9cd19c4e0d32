"""When the key sets of clients are fetched, from a server on a port of this machine."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from joserfc.jwk import ECKey
from prometheus_client import CollectorRegistry, Counter

from oauth_svc.key_sets.use_cases import PAUSE_SECONDS, KeySets
from oauth_svc.metadata_documents.http import DocumentFetcher
from oauth_svc.metadata_documents.models import DocumentRefused, DocumentUnreachable
from tests.support.document_host import DocumentHost, document_host
from tests.support.waiting import until

HOUR = 3600


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def host() -> AsyncIterator[DocumentHost]:
    async with document_host() as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sets(clock: Clock) -> AsyncIterator[KeySets]:
    fetcher = DocumentFetcher([ip_network("127.0.0.0/8")], "key set", 4096)
    counter = Counter("fetched", "x", ("outcome",), registry=CollectorRegistry())
    async with fetcher.opened():
        yield KeySets(fetcher, counter, capacity=2, clock=clock)


def shows(host: DocumentHost, name: str, *kids: str) -> str:
    """Lets the host show keys with these ids; returns the address."""
    keys = [{**ECKey.generate_key("P-256", private=False).as_dict(), "kid": kid} for kid in kids]
    host.answers[name] = lambda: web.json_response({"keys": keys})
    return host.url_of(name)


async def until_calls(host: DocumentHost, number: int) -> None:
    async def called() -> bool:
        return len(host.calls) >= number

    await until(called)


def kids_of(keys: Any) -> list[str]:
    return [key["kid"] for key in keys["keys"]]


async def test_an_unknown_key_is_looked_for_once_in_a_while(
    host: DocumentHost, sets: KeySets, clock: Clock
) -> None:
    url = shows(host, "app", "old")
    assert kids_of(await sets.get(url, "old")) == ["old"]
    shows(host, "app", "new")

    assert kids_of(await sets.get(url, "new")) == ["old"]  # it was fetched a moment ago
    clock.now += PAUSE_SECONDS
    assert kids_of(await sets.get(url, "new")) == ["new"]
    for number in range(5):
        await sets.get(url, f"invented-{number}")

    assert host.calls.count("app") == 2


async def test_a_set_expires(host: DocumentHost, sets: KeySets, clock: Clock) -> None:
    url = shows(host, "app", "one")
    await sets.get(url, None)
    clock.now += HOUR - 1
    await sets.get(url, None)
    assert host.calls.count("app") == 1
    shows(host, "app", "two")
    clock.now += 1

    assert kids_of(await sets.get(url, None)) == ["two"]


async def test_while_its_host_is_away_a_client_goes_on_with_keys_that_count(
    host: DocumentHost, sets: KeySets, clock: Clock
) -> None:
    url = shows(host, "app", "one")
    await sets.get(url, "one")
    host.answers["app"] = lambda: web.Response(status=503)
    clock.now += PAUSE_SECONDS

    for _ in range(2):
        with pytest.raises(DocumentUnreachable):
            await sets.get(url, "two")  # it may be there: no wrong 401
        assert kids_of(await sets.get(url, "one")) == ["one"]
    assert host.calls.count("app") == 2

    clock.now += HOUR
    with pytest.raises(DocumentUnreachable):
        await sets.get(url, "one")


async def test_a_set_that_is_taken_away_ends_its_keys(
    host: DocumentHost, sets: KeySets, clock: Clock
) -> None:
    url = shows(host, "app", "one")
    await sets.get(url, "one")
    del host.answers["app"]
    clock.now += PAUSE_SECONDS

    for kid in ("two", "one"):
        with pytest.raises(DocumentRefused) as refused:
            await sets.get(url, kid)
        assert not isinstance(refused.value, DocumentUnreachable)
    assert "key set is not there" in refused.value.description


async def test_calls_at_the_same_time_share_a_fetch(host: DocumentHost, sets: KeySets) -> None:
    url = shows(host, "app", "one")

    await asyncio.gather(*(sets.get(url, f"kid-{number}") for number in range(20)))

    assert host.calls.count("app") == 1


async def test_a_host_that_is_slow_holds_up_its_own_clients_for_no_longer_than_it_answers(
    host: DocumentHost, sets: KeySets
) -> None:
    """Two sets of a host are fetched at once. Whoever comes third may come again at once."""
    urls = [shows(host, name, "one") for name in ("a", "b", "c")]
    goes_on = host.hold()
    waiting = [asyncio.create_task(sets.get(url, "one")) for url in urls[:2]]
    await until_calls(host, 2)

    with pytest.raises(DocumentUnreachable):
        await sets.get(urls[2], "one")
    goes_on.set()
    await asyncio.gather(*waiting)

    assert kids_of(await sets.get(urls[2], "one")) == ["one"]


async def test_the_cache_has_an_end(host: DocumentHost, sets: KeySets) -> None:
    first, *others = (shows(host, name, "one") for name in ("a", "b", "c"))
    for url in (first, *others, others[-1], first):
        await sets.get(url, "one")

    assert (host.calls.count("a"), host.calls.count("c")) == (2, 1)


async def test_a_set_that_is_too_large_is_not_read_to_its_end(
    host: DocumentHost, sets: KeySets
) -> None:
    url = host.url_of("large")
    host.answers["large"] = lambda: web.Response(
        text=" " * 100_000, content_type="application/jwk-set+json"
    )

    with pytest.raises(DocumentRefused) as refused:
        await sets.get(url, None)

    assert "larger than 4096 bytes" in refused.value.description
