"""The routes file: which route matches a call, and which faults are reported."""

from pathlib import Path

import pytest

from authz_gateway.routing.path import target
from authz_gateway.routing.route_table import DEFAULT_BURST, DEFAULT_RATE, Access, Rate, RouteTable
from authz_gateway.routing.routes_file import load_routes
from shared.errors import Malformed
from shared.settings import SettingsError

DEFAULTS = Path(__file__).parents[3] / "deploy" / "config" / "routes.yaml"
OURS = {
    "BARONG_IDENTITY_URL": "http://identity:1",
    "BARONG_RESOURCE_URL": "http://resource:2",
    "BARONG_ADMIN_URL": "https://admin",
    "BARONG_WEBHOOKS_URL": "https://webhooks",
    "BARONG_CONSOLE_URL": "https://console",
    "BARONG_CONSOLE": "true",
    "BARONG_OAUTH_URL": "https://oauth",
}


def routes_of(tmp_path: Path, text: str) -> RouteTable:
    file = tmp_path / "routes.yaml"
    file.write_text(text)
    return load_routes(file, {"MINE": "http://mine:8000"})


def faults_of(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        routes_of(tmp_path, text)
    place = f"{tmp_path / 'routes.yaml'}"
    return [fault.removeprefix(place) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("method", "raw", "access", "url"),
    [
        ("GET", "/identity/configs", Access.PUBLIC, "http://identity:1/api/v2/identity/configs"),
        *(
            (method, "/identity/sessions", access, "http://identity:1/api/v2/identity/sessions")
            for method, access in (
                ("GET", Access.REQUIRED),
                ("HEAD", Access.REQUIRED),
                ("POST", Access.PUBLIC),
                ("DELETE", Access.PUBLIC),
            )
        ),
        ("GET", "/api/v2/resource/x/", Access.REQUIRED, "http://resource:2/api/v2/resource/x"),
        ("GET", "/api/v2/barong/admin", Access.REQUIRED, "https://admin/api/v2/admin"),
        ("GET", "/.well-known/jwks.json", Access.PUBLIC, "http://identity:1/.well-known/jwks.json"),
    ],
)
def test_the_default_routes(method: str, raw: str, access: Access, url: str) -> None:
    aim = target(raw)
    route = load_routes(DEFAULTS, OURS).find(aim.path, method)
    assert route is not None
    assert route.access is access
    assert route.upstream + route.upstream_path(aim.path) == url


@pytest.mark.parametrize("path", ["/", "/api/v2/barong", "/api/v2/barong/adminx", "/.well-known"])
def test_a_path_without_a_prefix_has_no_route(path: str) -> None:
    assert load_routes(DEFAULTS, OURS).find(path) is None


def test_only_identity_gets_the_clients_own_credentials() -> None:
    routes = load_routes(DEFAULTS, OURS)
    handed_over = {
        path
        for path in ("/api/v2/barong/identity", "/api/v2/barong/resource", "/api/v2/barong/admin")
        if (route := routes.find(path)) and route.cookies
    }
    assert handed_over == {"/api/v2/barong/identity"}


def test_the_longest_prefix_wins_and_ends_where_a_segment_ends(tmp_path: Path) -> None:
    routes = routes_of(
        tmp_path,
        """
        - {prefix: /, access: blocked}
        - {prefix: /x, access: public, upstream: "${MINE}"}
        - {prefix: /x/y, access: required, upstream: "${MINE}", methods: [GET, POST]}
        """,
    )
    found = {path: routes.find(path) for path in ("/", "/xy", "/x", "/x/", "/x/y", "/x/y/z")}
    assert {path: route.prefix for path, route in found.items() if route} == {
        "/": "/",
        "/xy": "/",
        "/x": "/x",
        "/x/": "/x",
        "/x/y": "/x/y",
        "/x/y/z": "/x/y",
    }
    deepest = found["/x/y/z"]
    assert deepest is not None
    assert [deepest.allows(method) for method in ("GET", "HEAD", "POST", "PUT")] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("prefix", "rewrite", "raw", "sent"),
    [
        ("/x", "/", "/x/y", "/y"),
        ("/x", "/", "/x", "/"),
        ("/x", "/v1", "/x/", "/v1/"),
        ("/x", "/v1", "/x/a%3Ab/", "/v1/a%3Ab/"),
        ("/x/a:b", "/v1", "/x/a%3Ab/c", "/v1/c"),
        ("/", "/v1", "/a/b", "/v1/a/b"),
        ("/", "/v1", "/", "/v1/"),
        ("/x", None, "/x/%C3%A9", "/x/%C3%A9"),
    ],
)
def test_a_rewrite_replaces_the_prefix(
    tmp_path: Path, prefix: str, rewrite: str | None, raw: str, sent: str
) -> None:
    rewritten = f", rewrite: {rewrite}" if rewrite else ""
    routes = routes_of(
        tmp_path, f'- {{prefix: "{prefix}", access: public, upstream: "${{MINE}}"{rewritten}}}'
    )
    aim = target(raw)
    route = routes.find(aim.path)
    assert route is not None
    assert route.upstream + route.upstream_path(aim.path) == f"http://mine:8000{sent}"


def test_a_public_route_without_a_rate_has_the_default_one(tmp_path: Path) -> None:
    table = routes_of(
        tmp_path,
        """
        - {prefix: /a, access: public, methods: [GET], upstream: "http://one"}
        - {prefix: /a, access: required, methods: [PUT], upstream: "http://one"}
        - {prefix: /b, access: public, upstream: "http://one", rate: 5/s}
        """,
    )
    found = [table.find(*call) for call in (("/a", "GET"), ("/a", "PUT"), ("/b", "GET"))]
    assert [(route.rate, route.burst) for route in found if route] == [
        (DEFAULT_RATE, DEFAULT_BURST),
        (None, None),
        (Rate(5, 0.2), None),
    ]


@pytest.mark.parametrize(
    ("text", "rate"),
    [("100/s", Rate(100, 0.01)), ("30/m", Rate(30, 2.0)), ("1/h", Rate(1, 3600.0))],
)
def test_a_rate_is_calls_in_a_time(tmp_path: Path, text: str, rate: Rate) -> None:
    route = routes_of(tmp_path, f"- {{prefix: /x, access: blocked, rate: {text}}}").find("/x")
    assert route is not None
    assert (route.rate, route.burst) == (rate, None)


TWO_OF_ONE_PREFIX = """
    - {prefix: /x, access: required, methods: [GET], upstream: "${MINE}"}
    - {prefix: /x, access: public, methods: [POST, DELETE], upstream: "${MINE}"}
    - {prefix: /x/y, access: blocked}
    - {prefix: /, access: public, upstream: "${MINE}"}
"""


@pytest.mark.parametrize(
    ("method", "access", "exists"),
    [
        ("GET", Access.REQUIRED, True),
        ("HEAD", Access.REQUIRED, True),
        ("POST", Access.PUBLIC, True),
        ("DELETE", Access.PUBLIC, True),
        ("PUT", Access.PUBLIC, False),
    ],
)
def test_the_method_selects_among_routes_of_one_prefix(
    tmp_path: Path, method: str, access: Access, exists: bool
) -> None:
    """A method without a route is not matched by a shorter prefix."""
    routes = routes_of(tmp_path, TWO_OF_ONE_PREFIX)
    route = routes.find("/x/z", method)
    assert route is not None
    assert (route.prefix, route.access, route.allows(method)) == ("/x", access, exists)
    below = routes.find("/x/y/z", method)
    assert below is not None
    assert below.access is Access.BLOCKED


def test_routes_of_one_prefix_differ_in_little(tmp_path: Path) -> None:
    text = """
        - {prefix: /a, access: public, methods: [GET, PUT], upstream: "http://one", rate: 1/s}
        - {prefix: /a, access: blocked, methods: [PUT, POST], upstream: "http://two"}
    """
    assert faults_of(tmp_path, text) == [
        ": /a: PUT stands 2 times.",
        ": /a: upstream differs; routes of one prefix have it in common.",
        ": /a: rate differs; routes of one prefix have it in common.",
    ]


CASES = """
    - {prefix: /, access: public, upstream: "${MINE}"}
    - {prefix: /t, access: required, upstream: "${MINE}", rewrite: /T, case_insensitive: true}
    - {prefix: /t/Admin, access: blocked}
    - {prefix: /t/admin/x, access: public, upstream: "${MINE}"}
    - {prefix: /s, access: required, upstream: "${MINE}"}
    - {prefix: /s/Admin, access: blocked}
"""


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/t/Admin", "/t/Admin"),
        ("/t/aDMIN/z", "/t/Admin"),
        ("/t/%61dmin", None),
        ("/t/ADMIN/X/y", "/t/admin/x"),
        ("/t/%C3%A4dmin", "/t"),
        ("/T/Admin", "/"),
        ("/s/admin", "/s"),
        ("/s/Admin", "/s/Admin"),
    ],
)
def test_below_a_route_without_case_routes_match_in_any_case(
    tmp_path: Path, path: str, prefix: str | None
) -> None:
    if prefix is None:
        with pytest.raises(Malformed):
            target(path)
        return
    route = routes_of(tmp_path, CASES).find(target(path).path)
    assert route is not None
    assert route.prefix == prefix


def test_the_forwarded_path_keeps_its_case(tmp_path: Path) -> None:
    match = routes_of(tmp_path, CASES).match("/t/OrDers", "GET")
    assert match is not None
    assert match.path == "/T/OrDers"


RAW = """
    - {prefix: /files, access: public, upstream: "${MINE}", path: raw}
    - {prefix: /cut, access: public, upstream: "${MINE}", path: raw, rewrite: /}
    - {prefix: /files/private, access: blocked}
    - {prefix: /strict, access: public, upstream: "${MINE}"}
"""


@pytest.mark.parametrize(
    ("received", "read", "sent"),
    [
        ("/files/a%2Fb", "/files/a/b", "/files/a%2Fb"),
        ("/files//a;v=1/b;", "/files/a/b", "/files//a;v=1/b;"),
        ("/files//", "/files", "/files//"),
        ("/cut/a%2fb", "/cut/a/b", "/a%2fb"),
        ("/cut//x", "/cut/x", "//x"),
        ("/cut//", "/cut", "//"),
    ],
)
def test_a_raw_path_is_forwarded_unchanged(
    tmp_path: Path, received: str, read: str, sent: str
) -> None:
    aim = target(received)
    assert (aim.path, aim.raw) == (read, received)
    route = routes_of(tmp_path, RAW).find(aim.path)
    assert route is not None
    assert route.raw_upstream_path(aim.raw) == sent


@pytest.mark.parametrize(
    "received",
    [
        "/strict//x",
        "/strict/a%2Fb",
        "/strict;x",
        "/files%2Fa",
        "//files/a",
        "/files;x/a",
        "/cut;/x",
    ],
)
def test_a_raw_path_begins_with_the_exact_prefix(tmp_path: Path, received: str) -> None:
    aim = target(received)
    route = routes_of(tmp_path, RAW).find(aim.path)
    assert route is not None
    with pytest.raises(Malformed):
        route.raw_upstream_path(aim.raw)


@pytest.mark.parametrize("received", ["/files/private//x", "/files%2Fprivate", "/files//private;x"])
def test_a_blocked_route_below_a_raw_one_matches_every_encoding(
    tmp_path: Path, received: str
) -> None:
    route = routes_of(tmp_path, RAW).find(target(received).path)
    assert route is not None
    assert route.access is Access.BLOCKED


@pytest.mark.parametrize(
    "path",
    [
        *("/files/..;x/b", "/files/a%2F..%2Fb", "/files/.%2Fb", "/files/%2e%2e", "/files/..//"),
        *("/files/%252Fb", "/files/a%5Cb", "/files/a\\b", "/files/a;%00", "/files/%C3;x", "a//b"),
    ],
)
def test_some_paths_are_ambiguous_everywhere(path: str) -> None:
    with pytest.raises(Malformed):
        target(path)


def test_our_own_services_have_strict_paths(tmp_path: Path) -> None:
    text = "- {prefix: /api/v2/barong/resource/x, access: blocked, path: raw}"
    assert faults_of(tmp_path, text) == [
        ", route 1 (/api/v2/barong/resource/x): path: Our own services have strict paths."
    ]


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    text = """
        - {prefix: /a, acess: public, upstream: "${UNSET}"}
        - {prefix: /a/, access: private, upstream: "ftp://x", timeout: 0, methods: GET}
        - {prefix: /admin, access: public, upstream: "http://u/path"}
        - {prefix: /api/v2/auth/x, access: required}
        - {prefix: /b/../c, access: public, upstream: "http://u", rewrite: c, methods: [get]}
        - text
        - {prefix: /d, access: blocked}
        - {prefix: /d, access: blocked}
        - {prefix: /e, access: public, cookies: perhaps}
        - {prefix: /f, access: blocked, rate: 10, burst: lots}
        - {prefix: /g, access: blocked, rate: 0/s}
        - {prefix: /h, access: blocked, rate: 10/d}
        - {prefix: /i, access: blocked, burst: 10}
    """
    assert faults_of(tmp_path, text) == [
        ", route 1 (/a): access: Missing data for required field.",
        ", route 1 (/a): upstream: UNSET is not set.",
        ", route 1 (/a): acess: Unknown.",
        ", route 2 (/a/): prefix: Not to end with a slash: a prefix ends where a segment ends.",
        ", route 2 (/a/): access: 'private' is not a valid Access",
        ", route 2 (/a/): upstream: Not the http:// or https:// address of a server.",
        ", route 2 (/a/): methods: Not a list of methods.",
        ", route 2 (/a/): timeout: Must be greater than 0.",
        ", route 3 (/admin): prefix: Calls arrive as /api/v2/barong/admin: write that.",
        ", route 3 (/admin): upstream: Only scheme, host and port; a path belongs into `rewrite`.",
        ", route 4 (/api/v2/auth/x): prefix: /api/v2/auth is the gateway's own.",
        ", route 5 (/b/../c): prefix: Not a path.",
        ", route 5 (/b/../c): rewrite: Not a path.",
        ", route 5 (/b/../c): methods: get is no method.",
        ", route 6: route: Not a mapping of names to values.",
        ", route 9 (/e): cookies: Not a valid boolean.",
        ", route 10 (/f): rate: Not a rate like 100/s, 600/m or 1000/h.",
        ", route 10 (/f): burst: Not a valid integer.",
        ", route 11 (/g): rate: Not a rate like 100/s, 600/m or 1000/h.",
        ", route 12 (/h): rate: Not a rate like 100/s, 600/m or 1000/h.",
        ", route 13 (/i): burst: Of no rate.",
        ": /d stands 2 times: name the methods of each.",
    ]


@pytest.mark.parametrize("text", ["", "routes: []", "- [", "[]"])
def test_a_file_that_is_no_list_of_routes(tmp_path: Path, text: str) -> None:
    assert len(faults_of(tmp_path, text)) == 1


def test_a_route_to_call_needs_an_upstream(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, "- {prefix: /a, access: required}")
    assert faults == [", route 1 (/a): upstream: Missing."]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        load_routes(tmp_path / "none.yaml", {})


PAGES = ("/account", "/account/log-in", "/accounts/confirmation", "/console", "/console-static/a/b")


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_are_there_unless_they_are_switched_off(path: str) -> None:
    assert load_routes(DEFAULTS, OURS).find(path) is not None
    assert load_routes(DEFAULTS, OURS | {"BARONG_CONSOLE": "False"}).find(path) is None


def test_a_switch_is_a_variable_that_is_true_or_false(tmp_path: Path) -> None:
    row = "- {prefix: /a, access: public, upstream: http://a, when: %s}\n"
    assert faults_of(tmp_path, row % "NOT_SET") == [", route 1 (/a): when: NOT_SET is not set."]
    assert faults_of(tmp_path, row % "MINE") == [
        ", route 1 (/a): when: MINE is neither true nor false."
    ]
