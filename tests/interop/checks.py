"""Checks that hold for every request at an upstream and for every answer, in all rows."""

from collections.abc import Sequence

from tests.interop.exercise import Got, Place
from tests.interop.servers import KEPT_BYTES, Seen
from tests.interop.table import Arrived

NEVER_UPSTREAM = frozenset(
    {
        *("expect", "forwarded", "keep-alive", "proxy", "proxy-authorization"),
        *("proxy-connection", "te", "trailer", "upgrade", "x-auth-user", "x-http-method-override"),
        *("x-original-url", "x-real-ip", "x-rewrite-url"),
    }
)
NEVER_BACK = frozenset(
    {
        *("access-control-allow-credentials", "keep-alive", "proxy-authenticate", "server"),
        *("trailer", "upgrade"),
    }
)


def assert_arrived(seen: Sequence[Seen], expected: Sequence[Arrived], place: Place) -> None:
    """Exactly these requests arrived, complete and in this order."""
    assert [(each.method, each.target) for each in seen] == [
        (each.method, place.filled(each.target).decode()) for each in expected
    ]
    for there, wanted in zip(seen, expected, strict=True):
        _assert_whole(there, wanted)
        assert_clean_request(there)


def _assert_whole(seen: Seen, wanted: Arrived) -> None:
    if "early" not in seen.target:
        assert (seen.size, seen.body) == (len(wanted.body), wanted.body[:KEPT_BYTES])
    for name, values in wanted.has.items():
        found = seen.all(name)
        # WSGI joins several values.
        assert tuple(found) == values or (values and found == [",".join(values)]), name


def assert_clean_request(seen: Seen) -> None:
    """Its end is unambiguous, and no header looks like one that the gateway sets."""
    names = [name for name, _ in seen.headers]
    assert not NEVER_UPSTREAM.intersection(names)
    assert names.count("host") == 1
    assert names.count("content-length") + names.count("transfer-encoding") <= 1
    assert seen.all("connection") in ([], ["keep-alive"])
    assert seen.all("transfer-encoding") in ([], ["chunked"])
    assert len(seen.all("x-forwarded-for")) == 1
    assert seen.all("x-forwarded-for")[0].endswith("127.0.0.1")
    assert not [name for name in names if "_" in name]
    for cookie in "; ".join(seen.all("cookie")).split(";"):
        assert cookie.partition("=")[0].strip() != "_barong_session"
    assert not seen.trailers


def assert_answers_belong(got: Sequence[Got], expected: Sequence[Arrived], place: Place) -> None:
    """Each answer belongs to its own request."""
    for answer, wanted in zip(got, expected, strict=False):
        target = place.filled(wanted.target).decode()
        assert answer.seen == target
        if "/echo/" in target and wanted.method != "HEAD":
            assert answer.body == f"{target}\n".encode()


def assert_got_their_own(others: Sequence[tuple[str, Got]]) -> None:
    """The next clients got the answers to their own requests."""
    for target, answer in others:
        assert (answer.status, answer.seen) == (200, target)
        assert answer.body == f"{target}\n".encode()


def assert_clean_answer(got: Got) -> None:
    """No header of the upstream that clients must not see, in interim responses as well."""
    names = [name for name, _ in got.headers]
    assert not NEVER_BACK.intersection(names)
    assert got.all("connection") in ([], ["close"], ["keep-alive"])
    assert not [name for name, value in got.headers if "evil" in value and name != "x-seen"]
    assert "of the upstream" not in got.all("x-request-id")
    assert got.status < 200 or len(got.all("x-request-id")) == 1
