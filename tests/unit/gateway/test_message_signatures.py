"""The examples of RFC 9421, and malformed input."""

import base64
import contextlib
from typing import Any

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from authz_gateway.authn.content_digest import read_digests, require_digests
from authz_gateway.authn.errors import ContentDigestMismatch, InvalidComponent, InvalidSignature
from authz_gateway.authn.message_signatures import (
    SignedRequest,
    read_signature,
    require_ed25519,
    require_hmac_sha256,
    signature_base,
)
from shared.errors import Refusal

# RFC 9421, B.1.4 and B.1.5: test-key-ed25519 (the last 32 bytes of its SubjectPublicKeyInfo), and
# test-shared-secret.
ED25519_KEY = base64.b64decode("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")
SHARED_SECRET = base64.b64decode(
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
)

# B.2: test-request.
FIELDS = (
    ("Host", "example.com"),
    ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
    ("Content-Type", "application/json"),
    (
        "Content-Digest",
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwE"
        "mTHWXvJwew==:",
    ),
    ("Content-Length", "18"),
)
BODY = b'{"hello": "world"}'


def a_request(*signature: tuple[str, str], **overrides: Any) -> SignedRequest:
    fields: dict[str, Any] = {
        "method": "POST",
        "scheme": "https",
        "authority": "example.com",
        "target": "/foo?param=Value&Pet=dog",
        "headers": CIMultiDict([*FIELDS, *signature]),
    }
    return SignedRequest(**{**fields, **overrides})


def test_the_example_of_hmac_sha256() -> None:
    """B.2.5."""
    request = a_request(
        (
            "Signature-Input",
            'sig-b25=("date" "@authority" "content-type")'
            ';created=1618884473;keyid="test-shared-secret"',
        ),
        ("Signature", "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:"),
    )
    signature = read_signature(request.headers)
    base = signature_base(signature, request)
    assert base.decode().split("\n") == [
        '"date": Tue, 20 Apr 2021 02:07:55 GMT',
        '"@authority": example.com',
        '"content-type": application/json',
        '"@signature-params": ("date" "@authority" "content-type")'
        ';created=1618884473;keyid="test-shared-secret"',
    ]
    require_hmac_sha256(SHARED_SECRET, base, signature.signature)
    for odd in (b"", signature.signature[:-1], bytes(32)):
        with pytest.raises(InvalidSignature):
            require_hmac_sha256(SHARED_SECRET, base, odd)
    with pytest.raises(InvalidSignature):
        require_hmac_sha256(SHARED_SECRET, base + b"\n", signature.signature)


def test_the_example_of_ed25519() -> None:
    """B.2.6."""
    request = a_request(
        (
            "Signature-Input",
            'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
            ';created=1618884473;keyid="test-key-ed25519"',
        ),
        (
            "Signature",
            "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQ"
            "v5lIp5WPpBKRCw==:",
        ),
    )
    signature = read_signature(request.headers)
    require_ed25519(ED25519_KEY, signature_base(signature, request), signature.signature)
    for changed in ({"method": "PUT"}, {"target": "/bar"}, {"authority": "example.org"}):
        base = signature_base(signature, a_request(**changed))
        with pytest.raises(InvalidSignature):
            require_ed25519(ED25519_KEY, base, signature.signature)
    for odd in (b"", signature.signature[:-1], signature.signature + b"\0", bytes(64)):
        with pytest.raises(InvalidSignature):
            require_ed25519(ED25519_KEY, signature_base(signature, request), odd)


def test_the_digest_of_the_example() -> None:
    digests = read_digests(a_request().headers)
    require_digests(digests, BODY)
    with pytest.raises(ContentDigestMismatch):
        require_digests(digests, BODY + b"\n")


@pytest.mark.parametrize(
    ("component", "value"),
    [
        # RFC 9421, 2.2.1 to 2.2.8.
        ('"@method"', "POST"),
        ('"@target-uri"', "https://www.example.com/path?param=value"),
        ('"@authority"', "www.example.com"),
        ('"@scheme"', "https"),
        ('"@request-target"', "/path?param=value"),
        ('"@path"', "/path"),
        ('"@query"', "?param=value"),
        ('"@query-param";name="param"', "value"),
    ],
)
@pytest.mark.parametrize(
    "authority", ["www.example.com", "WWW.example.com:443", "www.example.com:"]
)
def test_derived_components(component: str, value: str, authority: str) -> None:
    request = a_request(target="/path?param=value", authority=authority)
    assert _line(component, request) == f"{component}: {value}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        # RFC 9421, 2.2.8.
        ("param", "value"),
        ("foo", "bar"),
        ("baz", "batman"),
        ("qux", ""),
        ("var", "this%20is%20a%20big%0Amultiline%20value"),
        ("bar", "with%20plus%20whitespace"),
        ("fa%C3%A7ade%22%3A%20", "something"),
    ],
)
def test_query_parameters(name: str, value: str) -> None:
    query = (
        "param=value&foo=bar&baz=batman&qux="
        "&var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace"
        "&fa%C3%A7ade%22%3A%20=something&twice=1&twice=2"
    )
    request = a_request(target=f"/parameters?{query}")
    component = f'"@query-param";name="{name}"'
    assert _line(component, request) == f"{component}: {value}"
    for lacking in ("twice", "absent"):
        with pytest.raises(InvalidComponent):
            _line(f'"@query-param";name="{lacking}"', request)


@given(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)),
    st.integers(-(10**15) + 1, 10**15 - 1),
)
def test_parameters_are_written_as_structured_fields(text: str, number: int) -> None:
    parameters: dict[str, Any] = {"created": number, "keyid": text, "tag": "barong"}
    components: list[Any] = [("@method", {}), ("@query-param", {"name": "Pet"})]
    serialized = http_sf.ser([(components, parameters)])
    pair = {"Signature-Input": f"a={serialized}", "Signature": "a=:eA==:"}
    base = signature_base(read_signature(CIMultiDict(pair)), a_request())
    assert base.decode().split("\n")[-1] == f'"@signature-params": {serialized}'


def test_a_call_without_a_query_has_an_empty_one() -> None:
    assert _line('"@query"', a_request(target="/path")) == '"@query": ?'


def test_a_field_with_several_lines_is_one_list() -> None:
    headers = CIMultiDict([("X-A", "  a "), ("X-A", "b,c"), ("X-A", ""), ("X-Empty", "")])
    request = a_request(headers=headers)
    assert _line('"x-a"', request) == '"x-a": a, b,c, '
    assert _line('"x-empty"', request) == '"x-empty": '


def test_only_letters_of_ascii_have_a_lower_case() -> None:
    """The Kelvin sign is no `k`: the gateway forwards `X-Key` here, so it may be covered."""
    fields = (("X-Key", "v"), ("Connection", "x-\u212aey"))
    assert _line('"x-key"', a_request(*fields)) == '"x-key": v'
    with pytest.raises(InvalidComponent):
        _line('"x-key"', a_request(fields[0], ("Connection", "close,\tX-KEY")))


def _line(component: str, request: SignedRequest) -> str:
    """The first line of a signature base."""
    pair = {"Signature-Input": f"a=({component})", "Signature": "a=:eA==:"}
    return signature_base(read_signature(CIMultiDict(pair)), request).decode().split("\n")[0]


FRAGMENTS = st.sampled_from(
    [
        *(
            'sig=("@method" "@path")',
            ";created=1618884473",
            ';keyid="k"',
            ';nonce="n"',
            "sig=",
            ",",
        ),
        *(
            "(",
            ")",
            '"',
            ";",
            "=",
            ":",
            "?1",
            "@",
            "@99999999999999",
            "-",
            "1.5",
            "%",
            '%"f%c3%bc"',
        ),
        *(" ", "\t", "\\", "*", "a", "A", "é", "\udcff", "\0", '"@query-param";name="%"', ":eA==:"),
        *('("x";sf)', '("x";key="a")', "9" * 15, "9" * 16, '"@status"', ";tag=", '"barong"'),
    ]
)
TEXTS = st.lists(FRAGMENTS, max_size=12).map("".join) | st.text(max_size=60)


@given(TEXTS, TEXTS, TEXTS)
def test_every_input_is_read_or_refused(first: str, second: str, digest: str) -> None:
    headers = CIMultiDict({"Signature-Input": first, "Signature": second, "Content-Digest": digest})
    request = a_request(headers=headers)
    with contextlib.suppress(Refusal):
        assert signature_base(read_signature(headers), request).isascii()
    with contextlib.suppress(Refusal):
        assert read_digests(headers)


@given(TEXTS)
def test_every_component_is_found_or_refused(covered: str) -> None:
    with contextlib.suppress(Refusal):
        base = signature_base(
            read_signature(
                CIMultiDict({"Signature-Input": f"a=({covered})", "Signature": "a=:eA==:"})
            ),
            a_request(),
        )
        assert base.count(b"\n") == base.count(b'\n"')
