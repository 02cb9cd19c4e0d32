"""Response headers for browsers: CORS, caching and security headers."""

from collections.abc import Sequence
from typing import Any

import pytest
from multidict import CIMultiDict

from authz_gateway.http.cors import Cors, origins
from authz_gateway.http.response_headers import ResponseHeaders
from authz_gateway.settings import GatewaySettings
from shared.settings import SettingsError, load_settings
from tests.support.system import KEY

PAGE = "https://app.example.com"
OTHER = "https://evil.example"
EXPOSED = (
    "Authorization, DPoP-Nonce, Link, Next-Cursor, Page, Per-Page, Retry-After, Total, "
    "Total-Relation, WWW-Authenticate, X-Request-Id"
)

EVERYBODY = Cors(frozenset({"*"}), False, 3600)
NOBODY = Cors(frozenset(), False, 3600)
SOME = Cors(frozenset({PAGE, "http://localhost:3000"}), False, 60)
TRUSTED = Cors(frozenset({PAGE}), True, 60)
BELOW = Cors(frozenset({"https://*.example.com", "http://*.example.com:8080"}), True, 60)


def settings(**environment: str) -> GatewaySettings:
    return load_settings(GatewaySettings, {"BARONG_SERVICE_KEYS": KEY, **environment})


def headers_of(lines: Sequence[str]) -> dict[str, str]:
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
    assert len(headers) == len(lines)
    return headers


@pytest.mark.parametrize(
    ("cors", "origin", "expected"),
    [
        (EVERYBODY, None, {}),
        (EVERYBODY, OTHER, {"Access-Control-Allow-Origin": "*"}),
        (EVERYBODY, "null", {"Access-Control-Allow-Origin": "*"}),
        (SOME, None, {"Vary": "Origin"}),
        (SOME, PAGE, {"Access-Control-Allow-Origin": PAGE, "Vary": "Origin"}),
        *(
            (SOME, origin, {"Vary": "Origin"})
            for origin in (OTHER, "null", "", "*", f"{PAGE}/", f"{PAGE}:443", PAGE.upper())
        ),
        (SOME, f"{PAGE}.evil.example", {"Vary": "Origin"}),
        (NOBODY, PAGE, {"Vary": "Origin"}),
        (TRUSTED, OTHER, {"Vary": "Origin"}),
        (
            TRUSTED,
            PAGE,
            {
                "Access-Control-Allow-Origin": PAGE,
                "Access-Control-Allow-Credentials": "true",
                "Vary": "Origin",
            },
        ),
    ],
)
def test_a_page_learns_whether_it_may_read_the_answer(
    cors: Cors, origin: str | None, expected: dict[str, str]
) -> None:
    exposed = {"Access-Control-Expose-Headers": EXPOSED}
    readable = "Access-Control-Allow-Origin" in expected
    assert headers_of(cors.lines(origin)) == expected | (exposed if readable else {})


@pytest.mark.parametrize("cors", [EVERYBODY, NOBODY, SOME, TRUSTED])
def test_few_variants_of_headers_are_cached(cors: Cors) -> None:
    asked = [
        PAGE,
        OTHER,
        "null",
        "",
        "*",
        PAGE.upper(),
        *(f"https://{n}.example" for n in range(9)),
    ]
    counted = {cors.effective_origin(origin) for origin in asked}
    assert counted <= {*cors.origins, None}
    for origin in asked:
        assert cors.lines(cors.effective_origin(origin)) == cors.lines(origin)


@pytest.mark.parametrize("origin", [PAGE, "https://a-1.example.com", "http://x.example.com:8080"])
def test_a_wildcard_stands_for_one_label(origin: str) -> None:
    headers = headers_of(BELOW.lines(origin))
    assert headers["Access-Control-Allow-Origin"] == origin
    assert headers["Access-Control-Allow-Credentials"] == "true"
    assert BELOW.preflight("OPTIONS", CIMultiDict(ASKED | {"Origin": origin})) != ()


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.com",
        "https://*.example.com",
        "https://a.b.example.com",
        "https://evil-example.com",
        "https://evilexample.com",
        "https://.example.com",
        "https://a.example.com.evil.example",
        "https://a.example.comevil.example",
        "https://a.example.com:8443",
        "https://a.example.com:443",
        "http://a.example.com",
        "http://x.example.com:80800",
        "https://evil.example/.example.com",
        "https://evil.example#.example.com",
        "https://evil.example?.example.com",
        "https://user@a.example.com",
        "https://evil.example\\.example.com",
        "https://a\u3002example.com",
        "https://-a.example.com",
        "https://A.example.com",
        f"https://{'a' * 64}.example.com",
        "https://a.example.com\n",
        "ftp://a.example.com",
    ],
)
def test_nothing_but_one_label(origin: str) -> None:
    assert BELOW.lines(origin) == ("Vary: Origin",)
    assert BELOW.effective_origin(origin) is None


ASKED = {"Origin": PAGE, "Access-Control-Request-Method": "DELETE"}
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", ASKED),
        ("POST", ASKED),
        ("OPTIONS", {"Origin": PAGE}),
        ("OPTIONS", {"Access-Control-Request-Method": "GET"}),
        ("OPTIONS", {}),
    ],
)
def test_other_requests_are_no_preflights(method: str, headers: dict[str, str]) -> None:
    assert EVERYBODY.preflight(method, CIMultiDict(headers)) is None


@pytest.mark.parametrize(
    ("cors", "more", "allowed"),
    [
        (EVERYBODY, {}, None),
        (EVERYBODY, {"Access-Control-Request-Headers": "x-csrf-token,content-type"}, True),
        (TRUSTED, {"Access-Control-Request-Headers": "X-Auth-Nonce, X-Auth-Apikey"}, True),
        (SOME, {"Access-Control-Request-Headers": "a\r\nSet-Cookie: x"}, None),
        (SOME, {"Access-Control-Request-Headers": "a" * 1001}, None),
        (SOME, {"Access-Control-Request-Headers": ""}, None),
    ],
)
def test_a_preflight_is_allowed(cors: Cors, more: dict[str, str], allowed: bool | None) -> None:
    lines = cors.preflight("OPTIONS", CIMultiDict(ASKED | more))
    assert lines is not None
    answer = headers_of(lines)
    expected = {
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Max-Age": str(cors.max_age),
    }
    if allowed:
        expected["Access-Control-Allow-Headers"] = more["Access-Control-Request-Headers"]
    assert answer == expected


@pytest.mark.parametrize("cors", [SOME, TRUSTED, NOBODY])
def test_a_page_of_another_origin_gets_no_cors_headers(cors: Cors) -> None:
    answer = cors.preflight("OPTIONS", CIMultiDict(ASKED | {"Origin": OTHER}))
    assert answer == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*", {"*"}),
        (f" {PAGE} ,http://localhost:3000,", {PAGE, "http://localhost:3000"}),
    ],
)
def test_origins_are_listed(text: str, expected: set[str]) -> None:
    assert origins(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("example.com", f"{PAGE}/", f"{PAGE}/x", f"{PAGE}:443", "HTTPS://APP.EXAMPLE.COM"),
        *("ftp://example.com", "https://", "null", f"*,{PAGE}", "https://u:p@example.com"),
        *("https://*", "https://*.com", "https://*.", "https://*.com:8443", "*.example.com"),
        *("https://*example.com", "https://a*.example.com", "https://a.*.example.com"),
        *(
            "https://*.*.example.com",
            "https://*.0.0.1",
            "https://*.example.com/",
            "https://*.[::1]",
        ),
        *("https://*.example.com:443", "https://*.EXAMPLE.com", "https://example.com:x"),
    ],
)
def test_origins_in_other_forms_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="BARONG_API_CORS_ORIGINS"):
        settings(BARONG_API_CORS_ORIGINS=text)


def test_credentials_are_for_named_origins_only() -> None:
    with pytest.raises(SettingsError, match="BARONG_API_CORS_ALLOW_CREDENTIALS"):
        settings(BARONG_API_CORS_ALLOW_CREDENTIALS="true")
    made = settings(BARONG_API_CORS_ALLOW_CREDENTIALS="true", BARONG_API_CORS_ORIGINS=PAGE)
    assert made.cors == Cors(frozenset({PAGE}), True, 3600)
    assert settings().cors == EVERYBODY


SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
HSTS = {"Strict-Transport-Security": "max-age=7"}
NO_STORE = {"Cache-Control": "no-store"}


@pytest.mark.parametrize(
    ("security", "seconds", "call", "expected"),
    [
        (True, 0, {"private": False, "present": ()}, SECURITY),
        (True, 7, {"private": False, "present": ()}, SECURITY | HSTS),
        (True, 7, {"private": True, "present": ()}, SECURITY | HSTS | NO_STORE),
        (False, 7, {"private": False, "present": ()}, {}),
        (False, 7, {"private": True, "present": ()}, NO_STORE),
        (
            True,
            7,
            {"private": True, "present": {"cache-control", "x-frame-options"}},
            {k: v for k, v in (SECURITY | HSTS).items() if k != "X-Frame-Options"},
        ),
    ],
)
def test_security_headers(
    security: bool, seconds: int, call: dict[str, Any], expected: dict[str, str]
) -> None:
    headers = ResponseHeaders(EVERYBODY, security=security, hsts_seconds=seconds)
    assert headers_of(headers.lines_for(None, **call).decode().splitlines()) == expected
