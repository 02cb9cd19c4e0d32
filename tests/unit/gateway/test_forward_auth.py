"""Forward auth: the gateway decides about the very call that the proxy forwards."""

from typing import Any

import pytest
from multidict import CIMultiDict

from authz_gateway.authz.forward_auth import OriginalCall, original_call
from authz_gateway.routing.path import Target, target
from shared.errors import Malformed

TOLD = {"X-Forwarded-Uri": "/identity/time?x=1", "X-Forwarded-Method": "DELETE"}
TIME = "/api/v2/barong/identity/time"


@pytest.mark.parametrize(
    ("asked", "headers", "trusted", "expected", "sent"),
    [
        ("/api/v2/auth/identity/time?y", {}, False, ("POST", TIME, "y"), "/identity/time?y"),
        (
            "/api/v2/auth/api/v2/barong/identity/time/",
            {},
            True,
            ("POST", TIME, ""),
            "/api/v2/barong/identity/time/",
        ),
        ("/api/v2/auth", {}, True, ("POST", "/", ""), "/"),
        ("/api/v2/auth/", {}, True, ("POST", "/", ""), "/"),
        ("/api/v2/auth", TOLD, True, ("DELETE", TIME, "x=1"), TOLD["X-Forwarded-Uri"]),
        # Such headers do not count without a trusted proxy, or when the proxy appends the path.
        ("/api/v2/auth", TOLD, False, ("POST", "/", ""), "/"),
        ("/api/v2/auth/", TOLD, True, ("POST", "/", ""), "/"),
        ("/api/v2/auth?z", {}, True, ("POST", "/", "z"), "/?z"),
        ("/api/v2/auth/?z", TOLD, True, ("POST", "/", "z"), "/?z"),
        (
            "/api/v2/auth/admin/users",
            TOLD,
            True,
            ("POST", "/api/v2/barong/admin/users", ""),
            "/admin/users",
        ),
    ],
)
def test_the_decided_call_is_the_forwarded_one(
    asked: str, headers: dict[str, str], trusted: bool, expected: tuple[str, str, str], sent: str
) -> None:
    """A signature covers the target as the client sent it."""
    method, path, query = expected
    carried = original_call("POST", asked, target(asked), CIMultiDict(headers), trusted=trusted)
    assert carried == OriginalCall(method, Target(path, query), sent)


@pytest.mark.parametrize(
    "headers",
    [
        TOLD | {"X-Forwarded-Uri": "/identity/../admin"},
        TOLD | {"X-Forwarded-Uri": "http://elsewhere/identity/time"},
        TOLD | {"X-Forwarded-Uri": ""},
        TOLD | {"X-Forwarded-Method": "get"},
        TOLD | {"X-Forwarded-Method": ""},
        {"X-Forwarded-Uri": "/identity/time"},
        [*TOLD.items(), ("X-Forwarded-Uri", "/")],
        [*TOLD.items(), ("X-Forwarded-Method", "GET")],
    ],
)
def test_ambiguous_calls_are_refused(headers: Any) -> None:
    asked = "/api/v2/auth"
    with pytest.raises(Malformed):
        original_call("GET", asked, target(asked), CIMultiDict(headers), trusted=True)


def test_a_target_below_the_endpoint_is_canonical() -> None:
    asked = "/api/v2/auth//x"
    with pytest.raises(Malformed):
        original_call("GET", asked, Target(asked, ""), CIMultiDict(), trusted=True)
