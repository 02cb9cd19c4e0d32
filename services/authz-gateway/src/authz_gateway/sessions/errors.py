"""Why a session does not let a call pass."""

from shared.errors import Unauthenticated


class InvalidSession(Unauthenticated):
    """There is no living session."""

    codes = ("authz.invalid_session",)


class MissingCsrfToken(Unauthenticated):
    """A call that changes something comes with a cookie only."""

    codes = ("authz.missing_csrf_token",)


class CsrfTokenMismatch(Unauthenticated):
    """The CSRF token is not the session's."""

    codes = ("authz.csrf_token_mismatch",)


class ClientSessionMismatch(Unauthenticated):
    """The session was opened by another browser, or from another network."""

    codes = ("authz.client_session_mismatch",)


class UserNotActive(Unauthenticated):
    """The user's state forbids every call."""

    codes = ("authz.user_not_active",)
