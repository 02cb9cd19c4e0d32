"""The kinds of refusal a use case may raise; the web layer turns each kind into a status."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType


class Refusal(Exception):
    """The request cannot be fulfilled, for the reasons that `codes` give to the client.

    Subclasses set `codes` to the reasons that they may have; an instance can have some of them.
    """

    codes: tuple[str, ...] = ()
    status: int | None = None
    """The status, where an operator configured another than that of the kind."""
    retry_after: int | None = None
    """The seconds after which the call may be repeated, where time helps."""
    headers: Mapping[str, str] = MappingProxyType({})
    """Further headers of the answer."""

    def __init__(self, codes: Iterable[str] | None = None) -> None:
        if codes is not None:
            self.codes = tuple(codes)
        super().__init__(*self.codes)


class Malformed(Refusal):
    """The request cannot be read at all."""

    codes = ("request.malformed",)


class Missing(Refusal):
    """Required parameters are absent or blank, in an operation that reports them as 400."""


class BadRequest(Refusal):
    """The request does not fit the record's present state, in an operation that answers 400."""


class Unauthenticated(Refusal):
    """The caller is not authenticated."""


class UserNotActive(Unauthenticated):
    """The caller's state forbids them to act, and has changed since this call began."""

    codes = ("authz.user_not_active",)


class SessionEnded(Unauthenticated):
    """The session in which the call began ended before the call was done."""

    codes = ("authz.invalid_session",)


class Forbidden(Refusal):
    """The caller is authenticated, but may not do this."""


class NotFound(Refusal):
    """There is no such record for this caller."""

    codes = ("record.not_found",)


class Conflict(Refusal):
    """There is such a record already, in an operation that answers 409."""


class TooLarge(Refusal):
    """The body exceeds the limit."""

    codes = ("request.too_large",)


class HeadersTooLarge(Refusal):
    """The headers exceed the limit."""

    codes = ("request.headers_too_large",)


class UriTooLong(Refusal):
    """Path and query exceed the limit."""

    codes = ("request.uri_too_long",)


class ExpectationFailed(Refusal):
    """The client expects (RFC 9110, 10.1.1) what this server does not do."""

    codes = ("request.expectation_failed",)


class UnsupportedContent(Refusal):
    """The body's content type is not one that the operation reads."""

    codes = ("request.unsupported_media_type",)


class UnsupportedEncoding(UnsupportedContent):
    """The body is compressed, or encoded in another way."""

    codes = ("request.unsupported_encoding",)
    headers = MappingProxyType({"Accept-Encoding": "identity"})  # RFC 9110, 15.5.16


class Invalid(Refusal):
    """The values break a rule."""


class Throttled(Refusal):
    """There were too many attempts; the next one is accepted after `retry_after` seconds."""

    codes = ("request.throttled",)

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class Unavailable(Refusal):
    """A dependency is down; the call may be repeated after `retry_after` seconds."""

    codes = ("server.unavailable",)
    retry_after = 1

    def __init__(self, dependency: str) -> None:
        super().__init__()
        self.dependency = dependency
