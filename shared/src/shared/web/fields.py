"""The types of parameters: what is read, what is refused, and with which codes."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from marshmallow import ValidationError, fields

INVALID = "invalid"
# Halves of characters, too, which JSON can write and UTF-8 cannot.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_BREAKS = re.compile(r"[\t\n\r]")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_TRUE, _FALSE = {"true", "1"}, {"false", "0"}


class Absence(str):
    """A code that says a parameter is absent or blank; some operations answer it with 400."""

    __slots__ = ()


class Parameter(fields.Field[Any]):
    """A parameter; absent it gives the codes `missing`, blank the code `empty`, if it has any.

    Blank without a code of its own is no value: None, or what is missing where one is required.
    """

    def __init__(
        self, *, missing: Iterable[str] = (), empty: str | None = None, invalid: str = INVALID
    ) -> None:
        missing = [Absence(code) for code in missing]
        super().__init__(
            required=bool(missing), allow_none=True, error_messages={"required": missing}
        )
        self.empty = Absence(empty) if empty else None
        self.invalid = invalid

    def deserialize(self, value: Any, attr: Any = None, data: Any = None, **kwargs: Any) -> Any:
        if value is None or (isinstance(value, str) and not value.strip()):
            if self.empty:
                raise ValidationError([self.empty])
            blank = self.blank(value)
            if blank is None and self.required:
                raise self.make_error("required")
            return blank
        return super().deserialize(value, attr, data, **kwargs)

    def blank(self, value: str | None) -> Any:
        """What a blank value without a code means."""
        return None

    def refuse(self) -> ValidationError:
        """The fault of a value that is of another type."""
        return ValidationError([self.invalid])

    def json_schema(self) -> dict[str, Any]:
        """What clients are told of the values that are taken (JSON Schema, 2020-12)."""
        return {}


class Text(Parameter):
    """Text of at most `maximum` characters, without control characters.

    Numbers of a JSON body count as text, as they do in a form.
    """

    def __init__(
        self,
        *,
        missing: Iterable[str] = (),
        empty: str | None = None,
        invalid: str = INVALID,
        maximum: int = 1024,
        lines: bool = False,
    ) -> None:
        super().__init__(missing=missing, empty=empty, invalid=invalid)
        self.maximum = maximum
        self.lines = lines

    def blank(self, value: str | None) -> str | None:
        return None if value is None else self._deserialize(value, None, None)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or len(value) > self.maximum or _CONTROL.search(value):
            raise self.refuse()
        if not self.lines and _LINE_BREAKS.search(value):
            raise self.refuse()
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.maximum}


class Integer(Parameter):
    """A whole number from `minimum` to `maximum`; outside it gives the code `range_code`."""

    def __init__(
        self,
        *,
        missing: Iterable[str] = (),
        empty: str | None = None,
        invalid: Iterable[str] = (INVALID,),
        minimum: int = 0,
        maximum: int = 2**31 - 1,
        range_code: str = INVALID,
    ) -> None:
        super().__init__(missing=missing, empty=empty)
        self.codes = list(invalid)
        self.minimum, self.maximum, self.range_code = minimum, maximum, range_code

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError(self.codes)
        if not self.minimum <= value <= self.maximum:
            raise ValidationError([self.range_code])
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


class Boolean(Parameter):
    """true, false, 1 or 0, in any case, or a JSON boolean."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower() if isinstance(value, str | int) else ""
        if word not in _TRUE | _FALSE:
            raise self.refuse()
        return word in _TRUE

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Date(Parameter):
    """A day as YYYY-MM-DD, or as DD/MM/YYYY, which existing front ends send."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> date:
        text = value.strip() if isinstance(value, str) else ""
        for pattern, layout in ((r"\d{4}-\d\d-\d\d", "%Y-%m-%d"), (r"\d\d/\d\d/\d{4}", "%d/%m/%Y")):
            if re.fullmatch(pattern, text, re.ASCII):
                try:
                    return datetime.strptime(text, layout).date()  # noqa: DTZ007 - a day has no zone
                except ValueError:
                    break
        raise self.refuse()

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}
