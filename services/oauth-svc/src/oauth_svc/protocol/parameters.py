"""The parameters of a request: each at most once, and none too long."""

from collections.abc import Iterable, Sequence

from oauth_svc.protocol.errors import INVALID_REQUEST, OAuthError

MAX_LENGTH = 4096
"""The longest value, such as an `id_token_hint` or a signed assertion."""

_REPEATABLE = frozenset({"resource"})  # RFC 8707, 2


class Parameters:
    """The parameters of a request. Those without a value count as absent (RFC 6749, 3.1)."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            if value:
                self._values.setdefault(name, []).append(value)

    def repeated(self, *names: str) -> bool:
        """Whether one of these, or any parameter if none is named, is there more than once."""
        return any(
            len(values) > 1 and name not in _REPEATABLE
            for name, values in self._values.items()
            if not names or name in names
        )

    def get(self, name: str) -> str | None:
        """The value, None without one; raises `OAuthError` for one that is too long."""
        values = self._values.get(name)
        if values is None:
            return None
        if len(values[0]) > MAX_LENGTH or "\x00" in values[0]:
            raise OAuthError(INVALID_REQUEST, f"{name} is too long or has a NUL.")
        return values[0]

    def all(self, name: str) -> Sequence[str]:
        """All values of a parameter that may be repeated."""
        return tuple(self._values.get(name, ()))

    def require(self, name: str) -> str:
        """The value; raises `OAuthError` without one."""
        value = self.get(name)
        if value is None:
            raise OAuthError(INVALID_REQUEST, f"{name} is missing.")
        return value

    def words(self, name: str) -> tuple[str, ...]:
        """The words of a list that blanks separate, each once."""
        return tuple(dict.fromkeys((self.get(name) or "").split(" "))) if self.get(name) else ()

    def require_unrepeated(self) -> None:
        """Raises `OAuthError` if a parameter is repeated."""
        if self.repeated():
            raise OAuthError(INVALID_REQUEST, "A parameter is repeated.")
