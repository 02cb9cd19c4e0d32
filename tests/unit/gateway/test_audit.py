"""What a call is in the audit log: its parameters without secrets, its topic, action and target."""

import gzip
import json
import time
import zlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz_gateway.audit.activity import activity_of
from authz_gateway.audit.parameters import parameters
from shared.contracts.activities import MAX_DATA, Activity
from shared.web.bodies import MAX_BODY_BYTES
from tests.unit.gateway.builders import a_call

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
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
    return activity_of(call, "ID1", "succeed", topic, given)


def told(query: str = "", body: bytes | None = b"", kind: str = FORM, encoding: str = "") -> Any:
    return parameters(query, body, {"Content-Type": kind, "Content-Encoding": encoding})


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
        ("", b"{", JSON, {"body": "unreadable"}),
        ("", b"a=1", "text/plain", {"body": "unreadable"}),
        ("a=1", None, JSON, {"a": "1", "body": "too large"}),
        ("a=%ff", b"b=%ff", FORM, {"a": "\ufffd", "b": "\ufffd"}),
        ("", b"[" * 10_000, JSON, {"body": "unreadable"}),
    ],
)
def test_parameters(query: str, body: bytes | None, kind: str, expected: Mapping[str, Any]) -> None:
    assert told(query, body, kind) == expected


def test_parameters_of_a_form_with_files() -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="uid"\r\n\r\nID1\r\n'
        b'--x\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n'
        b'--x\r\nContent-Disposition: form-data; name="upload"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n\x89PNG\r\n--x--\r\n"
    )
    assert told("", body, "multipart/form-data; boundary=x") == {
        "uid": "ID1",
        "upload": "file a.png",
    }
    assert told("", b"no parts", "multipart/form-data; boundary=x") == {"body": "unreadable"}


@pytest.mark.parametrize(
    "kind",
    [
        *('multipart/form-data; boundary="x y"', "multipart/form-data;BOUNDARY = x y "),
        "multipart/form-data; charset=utf-8; boundary=x y; boundary=z",
    ],
)
def test_a_boundary_that_is_written_oddly(kind: str) -> None:
    body = b'--x y\r\nContent-Disposition: form-data; name="uid"\r\n\r\nID1\r\n--x y--\r\n'
    assert told("", body, kind) == {"uid": "ID1"}


def test_of_parts_of_one_name_the_last_counts() -> None:
    body = b"".join(part(b"form-data; name=uid", uid) for uid in (b"ID1", b"ID2"))
    assert told("", body + b"--x--\r\n", "multipart/form-data; boundary=x") == {"uid": "ID2"}


def part(disposition: bytes, content: bytes = b"1") -> bytes:
    return b"--x\r\nContent-Disposition: " + disposition + b"\r\n\r\n" + content + b"\r\n"


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        (b"form-data; name=uid", {"uid": "1"}),
        (b'FORM-DATA ; NAME="u\\"i;d"', {'u"i;d': "1"}),
        (b'form-data;\r\n name="uid"', {"uid": "1"}),
        (b"attachment; name=uid", {"uid": "1"}),
        *(
            (odd, {"body": "unreadable"})
            for odd in (
                *(b"form-data", b"attachment", b"form-data; name", b'form-data; name="'),
                *(b"form-data; name*=utf-8''uid", b"form-data; name*0=u; name*1=id", b""),
            )
        ),
    ],
)
def test_parts_of_a_form_that_are_written_oddly(
    disposition: bytes, expected: Mapping[str, Any]
) -> None:
    body = part(disposition) + part(b"form-data; name=a") + b"--x--\r\n"
    assert told("", body, 'multipart/form-data; boundary="x"') == {**expected, "a": "1"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x", part(b"form-data; " + b";" * 65_000)),
        ("multipart/form-data; boundary=x", part(b"form-data; name=" + b'"' * 65_000)),
        ("multipart/form-data; boundary=x", part(b"form-data" + b";a=b" * 2000) * 8),
        ("multipart/form-data; boundary=", b"\n--" * 21_000),
        (FORM, b"a&" * 32_000),
    ],
)
def test_no_body_keeps_a_gateway_busy(kind: str, body: bytes) -> None:
    begun = time.thread_time()
    told("", body, kind)
    assert time.thread_time() - begun < 0.2  # a fiftieth of that is usual


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "GZIP"])
def test_a_compressed_body_hides_nothing(encoding: str) -> None:
    body = gzip.compress(b"uid=ID1") if encoding.lower() == "gzip" else zlib.compress(b"uid=ID1")
    assert told("", body, FORM, encoding) == {"uid": "ID1"}


def test_a_compressed_body_may_have_no_header() -> None:
    packer = zlib.compressobj(wbits=-15)
    assert told("", packer.compress(b"uid=ID1") + packer.flush(), FORM, "deflate") == {"uid": "ID1"}


def test_nothing_hides_behind_the_end_of_a_compressed_body() -> None:
    body = b"".join(gzip.compress(each) for each in (b"uid=ID1&", b"a=" + b"x" * 9000, b"&uid=ID2"))
    assert told("", body, FORM, "gzip")["uid"] == "ID2"


def test_many_compressed_bodies_in_one_keep_no_gateway_busy() -> None:
    body = gzip.compress(b"") * (MAX_BODY_BYTES // 20)
    begun = time.thread_time()
    assert told("", body, FORM, "gzip") == {}
    assert time.thread_time() - begun < 0.5  # a tenth of that is usual


def test_a_body_that_is_large_once_it_is_unpacked_is_looked_into_as_far_as_any() -> None:
    shown = told("", gzip.compress(b"a=1&b=" + b"x" * 50_000_000), FORM, "gzip")
    assert shown["a"] == "1"
    assert len(shown["b"]) < MAX_BODY_BYTES


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip", "deflate"])
def test_a_body_in_a_refused_or_wrong_encoding_is_unreadable(encoding: str) -> None:
    assert told("", b"uid=ID1", FORM, encoding) == {"body": "unreadable"}


@pytest.mark.parametrize("encoding", ["", "identity", "x", "gzip, gzip"])
def test_a_body_in_an_encoding_that_no_service_knows_is_read_as_it_is(encoding: str) -> None:
    assert told("", b"uid=ID1", FORM, encoding) == {"uid": "ID1"}


@pytest.mark.parametrize(
    "name",
    [
        *("password", "old_password", "new_password", "confirm_password", "Password", "PASSWD"),
        *("otp_code", "totp_code", "otpCode", "code", "verification_code"),
        *("token", "csrf_token", "whitelink_token", "reset_password_token", "access_token"),
        *("secret", "client_secret", "captcha_response", "signature", "private_key", "pin"),
    ],
)
def test_secrets_are_not_told(name: str) -> None:
    secret = "482913"
    assert told(f"{name}={secret}&uid=ID1") == {"uid": "ID1"}
    nested = json.dumps({"a": [{name: secret, "b": 1}]})
    assert told("", nested.encode(), JSON) == {"a": [{"b": 1}]}
    as_text = json.dumps({"data": nested})
    assert told("", as_text.encode(), JSON) == {"data": '{"a":[{"b":1}]}'}


@pytest.mark.parametrize("pair", ["otp=false", "code=471", "key=email", "kid=1", "scope=private"])
def test_what_is_no_secret_is_told(pair: str) -> None:
    name, _, value = pair.partition("=")
    assert told(pair) == {name: value}


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
        ({"uid": ["ID2"], "user_uid": "ID3"}, "ID3"),  # no service takes a list for a uid
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
        ("", b"&".join([b"%d=" % n + b"x" * 999 for n in range(250)]) + b"&uid=ID2", FORM),
    ],
)
def test_whom_a_call_concerns_cannot_be_hidden(query: str, body: bytes, kind: str) -> None:
    activity = an_activity(told(query, body, kind))

    assert activity.target_uid == "ID2"
    assert activity.data is not None
    assert "ID2" in json.loads(activity.data).values()


def test_that_there_are_more_parameters_is_told() -> None:
    given = told("", json.dumps({**{str(n): n for n in range(200)}, "uid": "ID2"}).encode(), JSON)

    assert (len(given), given["and"]) == (201, "more")


def test_what_is_too_long_is_cut() -> None:
    many = {f"{number}": "x" * 2000 for number in range(300)}
    given = told("", json.dumps({**many, "nested": [{"a": "y" * 5000}]}).encode()[: 10**6], JSON)

    assert all(len(str(value)) <= 1025 for value in given.values())
    data = an_activity(given, path=PATH + "/" + "z" * 2000).data
    assert data is not None
    assert len(data) <= MAX_DATA
    assert set(json.loads(data)) > {"0", "path", "and"}


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


# The parser of heads lets no control character of a User-Agent through.
_agents = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=3000)


@given(st.dictionaries(st.text(), _values), st.text(), _agents)
def test_whatever_is_sent_can_be_kept(body: dict[str, Any], query: str, user_agent: str) -> None:
    given = parameters(query, json.dumps(body).encode(), {"Content-Type": JSON})
    activity = an_activity(given, user_agent=user_agent)

    assert activity.data is not None
    assert json.loads(activity.data)["path"] == "api/v2/barong/admin/users"
    assert Activity.of(json.loads(json.dumps(activity.body()))) == activity


@given(st.binary(max_size=500), st.sampled_from([FORM, JSON, "multipart/form-data; boundary=x"]))
def test_no_body_is_too_odd(body: bytes, kind: str) -> None:
    assert isinstance(told("", body, kind), dict)
