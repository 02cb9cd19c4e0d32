"""The activity of a call: its parameters without secrets, its topic, action and target."""

import asyncio
import json
import operator
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from authz_gateway.audit.activity import activity_of
from authz_gateway.audit.body import LargeBodies, headers_of
from authz_gateway.audit.parameters import CallParameters, parameters
from authz_gateway.http.errors import Stalled
from shared.contracts.activities import MAX_DATA, Activity
from shared.errors import (
    Malformed,
    Refusal,
    Throttled,
    TooLarge,
    Unavailable,
    UnsupportedContent,
    UnsupportedEncoding,
)
from shared.web.bodies import MAX_BODY_BYTES as LIMIT
from tests.unit.gateway.builders import a_call

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MULTIPART = "multipart/form-data; boundary=x"
PART = b"--x\r\nContent-Disposition: form-data; %s\r\n\r\n1\r\n"
PATH = "/api/v2/barong/admin/users"


def an_activity(
    given: Mapping[str, Any],
    *,
    topic: str | None = None,
    user_agent: str = "browser",
    method: str = "POST",
    path: str = PATH,
) -> Activity:
    call = a_call({"User-Agent": user_agent}, method=method, path=path, address="2001:db8::7")
    return activity_of(call, "ID1", "succeed", topic, CallParameters(given))


async def shown(query: str = "", body: bytes = b"", kind: str = FORM, limit: int = LIMIT) -> Any:
    return (await parameters(query, body, CIMultiDict({"Content-Type": kind}), limit)).values


@pytest.mark.parametrize(
    ("query", "body", "kind", "expected"),
    [
        ("", b"", FORM, {}),
        ("uid=ID1&state=", b"", "", {"uid": "ID1", "state": ""}),
        ("uid=ID1&a=1", b"uid=ID2", FORM, {"uid": "ID2", "a": "1"}),
        ("a=1&a=2&a=3", b"", "", {"a": "3"}),
        ("a[]=1&a[b]=2&a[]=3", b"", "", {"a": ["1", "2", "3"]}),
        ("a[]=1&a=2&a[]=3&[b]=4", b"", "", {"a": "2", "[b]": "4"}),
        ("a=1", b"a[]=2", FORM, {"a": ["2"]}),
        (
            "",
            b'{"uid": "ID1", "otp": false}',
            f"{JSON}; charset=utf-8",
            {"uid": "ID1", "otp": False},
        ),
        ("", b"[1]", JSON, {"body": [1]}),
        ("", b'{"uid": "ID1"}', "application/vnd.api+json", {"uid": "ID1"}),
        ("", PART % b'name="uid"' + b"--x--\r\n", MULTIPART, {"uid": "1"}),
        ("", PART % b'name="uid"; filename="a"' + b"--x--\r\n", MULTIPART, {"uid": ["file a"]}),
    ],
)
async def test_parameters(query: str, body: bytes, kind: str, expected: Mapping[str, Any]) -> None:
    assert await shown(query, body, kind) == expected


@pytest.mark.parametrize(
    ("query", "body", "kind", "refusal"),
    [
        ("", b"{", JSON, Malformed),
        ("", b'{"a": NaN}', JSON, Malformed),
        ("", b"[" * 10_000, JSON, Malformed),
        ("", b"a=%ff", FORM, Malformed),
        ("a=%ff", b"", FORM, Malformed),
        ("a=1&" * 201, b"", FORM, Malformed),
        ("", b"a=1&" * 201, FORM, Malformed),
        ("", b"no parts", MULTIPART, Malformed),
        ("", PART % b'name="a"', MULTIPART, Malformed),
        ("", PART % b"x=y" + b"--x--\r\n", MULTIPART, Malformed),
        ("", PART % b"name*=utf-8''a" + b"--x--\r\n", MULTIPART, Malformed),
        ("", b"a=1", "text/plain", UnsupportedContent),
        ("", b"a=1", "", UnsupportedContent),
        ("", b"<a/>", "application/xml", UnsupportedContent),
        ("", b"\0", "application/octet-stream", UnsupportedContent),
        ("", b"a" * (LIMIT + 1), FORM, TooLarge),
        ("", (b"x" * 8000 + b"\r\n") * 40, MULTIPART, TooLarge),
        ("", b"\r\n" * 5000, MULTIPART, Malformed),
    ],
)
async def test_unreadable_parameters_are_refused(
    query: str, body: bytes, kind: str, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        await shown(query, body, kind)


async def test_a_form_with_files() -> None:
    body = (
        PART % b'name="uid"'
        + PART % b'name="password"'
        + PART % b'name="upload"; filename="a.png"'
        + b"--x--\r\n"
    )
    assert await shown("", body, MULTIPART) == {"uid": "1", "upload": ["file a.png"]}


async def test_the_last_of_several_parts_with_one_name_counts() -> None:
    body = PART % b'name="uid"' + PART.replace(b"\r\n1", b"\r\nID2") % b'name="uid"' + b"--x--\r\n"
    assert await shown("", body, MULTIPART) == {"uid": "ID2"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (MULTIPART, PART % (b";" * 65_000)),
        (MULTIPART, PART % (b"name=" + b'"' * 65_000)),
        (MULTIPART, PART % (b";a=b" * 1000) * 30),
        (MULTIPART, b"\n" * 250_000),
        (MULTIPART, b"--x\n" * 60_000),
        (MULTIPART, PART % b"name=a" + b"\r\n-" * 80_000),
        ("multipart/form-data; boundary=", b"\n--" * 21_000),
        (FORM, b"a&" * 32_000),
    ],
)
async def test_no_body_takes_long_to_read(kind: str, body: bytes) -> None:
    begun = time.thread_time()
    with suppress(Refusal):
        await shown("", body, kind)
    assert time.thread_time() - begun < 0.2  # a tenth of that is usual


async def test_a_large_upload_does_not_block_the_event_loop() -> None:
    body = PART.replace(b"\r\n1", b"\r\n" + b"x" * 20_000_000) % b'name="a"; filename="b"'
    reading = asyncio.create_task(shown("", body + b"--x--\r\n", MULTIPART, 2**25))
    turns = 0
    while not reading.done():
        await asyncio.sleep(0)
        turns += 1

    assert reading.result() == {"a": ["file b"]}
    assert turns > 200


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ([("Content-Encoding", "gzip")], UnsupportedEncoding),
        ([("Content-Encoding", "identity"), ("Content-Encoding", "br")], UnsupportedEncoding),
        ([("Content-Type", FORM), ("Content-Type", JSON)], Malformed),
    ],
)
async def test_unusable_headers_are_refused(
    headers: list[tuple[str, str]], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        await parameters("", b"uid=ID1", CIMultiDict(headers), LIMIT)


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ("keep-alive", {"Content-Type": FORM, "Content-Encoding": "gzip"}),
        ("close, Content-Encoding", {"Content-Type": FORM}),
        ("content-type\t,x", {"Content-Encoding": "gzip"}),
    ],
)
def test_hop_by_hop_headers_are_ignored(connection: str, expected: Mapping[str, str]) -> None:
    headers = {"Content-Type": FORM, "Content-Encoding": "gzip", "Connection": connection}
    assert headers_of(a_call(headers)) == CIMultiDict(expected)


async def test_large_bodies_are_limited_in_total_and_per_user() -> None:
    large = LargeBodies()
    async with AsyncExitStack() as turns:
        for uid in ("ID1", "ID1", "ID2"):
            await turns.enter_async_context(large.slot(uid))
        with pytest.raises(Throttled):
            await turns.enter_async_context(large.slot("ID1"))
        await turns.enter_async_context(large.slot("ID2"))
        with pytest.raises(Unavailable):
            await turns.enter_async_context(large.slot("ID3"))
    async with large.slot("ID3"):
        pass


async def test_a_slot_has_a_time_limit() -> None:
    with pytest.raises(Stalled):
        async with LargeBodies(max_seconds=0.01).slot("ID1"):
            await asyncio.Event().wait()


def test_without_a_known_body_there_is_no_target() -> None:
    shown = CallParameters({"uid": "ID1", "body": "not shown"})

    def target(of: CallParameters) -> str | None:
        return activity_of(a_call(method="POST"), "ID2", "succeed", None, of).target_uid

    assert target(shown) == "ID1"  # a client that sends `body` cannot hide the target
    assert target(shown.without_body("not shown")) is None


@pytest.mark.parametrize(
    "name",
    [
        *("password", "old_password", "new_password", "confirm_password", "Password", "PASSWD"),
        *("otp_code", "totp_code", "otpCode", "code", "verification_code"),
        *("token", "csrf_token", "whitelink_token", "reset_password_token", "access_token"),
        *("secret", "client_secret", "captcha_response", "signature", "private_key", "pin"),
    ],
)
async def test_secrets_are_removed(name: str) -> None:
    secret = "482913"
    assert await shown(f"{name}={secret}&uid=ID1") == {"uid": "ID1"}
    nested = json.dumps({"a": [{name: secret, "b": 1}]})
    assert await shown("", nested.encode(), JSON) == {"a": [{"b": 1}]}
    as_text = json.dumps({"data": nested})
    assert await shown("", as_text.encode(), JSON) == {"data": '{"a":[{"b":1}]}'}


@pytest.mark.parametrize("pair", ["otp=false", "code=471", "key=email", "kid=1", "scope=private"])
async def test_other_parameters_are_included(pair: str) -> None:
    name, _, value = pair.partition("=")
    assert await shown(pair) == {name: value}


@pytest.mark.parametrize(
    ("method", "action"),
    [
        ("POST", "create"),
        ("PUT", "update"),
        ("PATCH", "update"),
        ("DELETE", "delete"),
        ("GET", "read"),
        ("HEAD", "read"),
        ("OPTIONS", "system"),
        ("PURGE", "system"),
    ],
)
def test_actions(method: str, action: str) -> None:
    assert an_activity({}, method=method).action == action


@pytest.mark.parametrize(
    ("path", "topic", "expected"),
    [
        (PATH, None, "users"),
        (PATH, "people", "people"),
        ("/api/v2/barong/admin/users/labels", None, "users"),
        ("/api/v2/peatio/admin/orders/7", None, "orders"),
        ("/api/v2/barong/admin", None, "general"),
        ("/api/v2/barong/administration/x", None, "general"),
        ("/api/v2/barong/resource/labels", None, "general"),
    ],
)
def test_topics(path: str, topic: str | None, expected: str) -> None:
    assert an_activity({}, path=path, topic=topic).topic == expected


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ({}, None),
        ({"uid": "ID2"}, "ID2"),
        ({"user_uid": "ID2"}, "ID2"),
        ({"uid": "ID2", "user_uid": "ID3"}, "ID2"),
        ({"uid": "", "user_uid": "ID3"}, "ID3"),
        ({"uid": 7}, None),
        ({"uid": ["ID2"], "user_uid": "ID3"}, "ID3"),  # no service accepts a list as a uid
        ({"uid": "x" * 300}, "x" * 255),
    ],
)
def test_targets(given: Mapping[str, Any], target: str | None) -> None:
    assert an_activity(given).target_uid == target


def test_data_is_the_parameters_and_the_path() -> None:
    activity = an_activity({"id": "1", "path": "api/v2/x"})

    assert activity.data == (
        '{"id":"1","parameters.path":"api/v2/x","path":"api/v2/barong/admin/users"}'
    )
    assert (activity.category, activity.uid, activity.result) == ("admin", "ID1", "succeed")
    assert (activity.user_ip, activity.user_agent) == ("2001:db8::7", "browser")


@pytest.mark.parametrize(
    ("query", "body", "kind"),
    [
        ("uid=ID1&uid=ID2", b"", FORM),
        ("uid[]=ID1&uid=ID2&uid[]=ID1", b"", FORM),
        ("uid=ID1", b"uid=ID1&uid=ID2", FORM),
        ("&".join(f"j{n}=1" for n in range(200)), b"uid=ID2", FORM),
        ("", json.dumps({**{str(n): n for n in range(500)}, "user_uid": "ID2"}).encode(), JSON),
        ("", b"&".join([b"%d=" % n + b"x" * 999 for n in range(199)]) + b"&uid=ID2", FORM),
    ],
)
async def test_the_target_cannot_be_hidden(query: str, body: bytes, kind: str) -> None:
    activity = an_activity(await shown(query, body, kind))

    assert activity.target_uid == "ID2"
    assert activity.data is not None
    assert "ID2" in json.loads(activity.data).values()


async def test_omitted_parameters_are_indicated() -> None:
    given = await shown(
        "", json.dumps({**{str(n): n for n in range(200)}, "uid": "ID2"}).encode(), JSON
    )

    assert (len(given), given["and"]) == (201, "more")


async def test_long_values_are_cut() -> None:
    many = {f"{number}": "x" * 2000 for number in range(300)}
    given = await shown(
        "", json.dumps({**many, "nested": [{"a": "y" * 5000}]}).encode(), JSON, 10**6
    )

    assert all(len(str(value)) <= 1025 for value in given.values())
    data = an_activity(given, path=PATH + "/" + "z" * 2000).data
    assert data is not None
    assert len(data) <= MAX_DATA
    assert set(json.loads(data)) > {"0", "path", "and"}


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


# The parser of heads refuses control characters in a User-Agent.
_agents = st.builds(
    operator.mul,
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=100),
    st.sampled_from([1, 30]),
)


@given(st.dictionaries(st.text(), _values), _agents)
async def test_every_call_can_be_recorded(body: dict[str, Any], user_agent: str) -> None:
    given = await shown("a=1", json.dumps(body).encode(), JSON, 10**7)
    activity = an_activity(given, user_agent=user_agent)

    assert activity.data is not None
    assert json.loads(activity.data)["path"] == "api/v2/barong/admin/users"
    assert Activity.of(json.loads(json.dumps(activity.to_internal()))) == activity


@given(st.binary(max_size=500), st.sampled_from([FORM, JSON, MULTIPART]))
async def test_every_body_is_read_or_refused(body: bytes, kind: str) -> None:
    with suppress(Refusal):
        assert isinstance(await shown("", body, kind), dict)
