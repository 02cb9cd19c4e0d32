"""Kinds of parameters that several features have."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError

from shared.web.fields import Absence, Integer, Parameter, Text


class Word(Parameter):
    """Exactly one of `words`; a blank value gives the codes `blank`."""

    def __init__(
        self,
        words: Collection[str],
        *,
        missing: Iterable[str] = (),
        blank: Iterable[str],
        invalid: str,
    ) -> None:
        super().__init__(missing=missing, invalid=invalid)
        self._words = words
        self._blank = [Absence(code) for code in blank]

    def blank(self, value: str | None) -> Any:
        raise ValidationError(self._blank)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or value not in self._words:
            raise self.refuse()
        return value

    def codes(self) -> Iterator[str]:
        yield from (*super().codes(), *self._blank)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self._words)}


class Moment(Integer):
    """A moment, in seconds since the epoch, in the parameter `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(maximum=int(datetime(9999, 1, 1, tzinfo=UTC).timestamp()))
        self.data_key = name

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return datetime.fromtimestamp(super()._deserialize(value, attr, data, **kwargs), UTC)


class Cursor(Text):
    """A place in a list, from an earlier answer, which `parse` reads; blank, it is the beginning.

    `parse` raises ValueError for a text that is no place.
    """

    def __init__(self, parse: Callable[[str], Any], *, invalid: str, maximum: int) -> None:
        super().__init__(invalid=invalid, maximum=maximum)
        self._parse = parse

    def blank(self, value: str | None) -> Any:
        return None

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        try:
            return self._parse(super()._deserialize(value, attr, data, **kwargs))
        except ValueError:
            raise self.refuse() from None
