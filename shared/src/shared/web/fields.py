"""The types of parameters: which values are read, and the codes of the others."""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any, Protocol, runtime_checkable

from marshmallow import ValidationError, fields

from shared.text import ascii_email, cleaned, is_blank, plain_code

INVALID = "invalid"
# Surrogates, too, which JSON can write and UTF-8 cannot.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_BREAKS = re.compile(r"[\t\n\r\u2028\u2029]")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_DAYS = (
    (r"\d{4}-\d\d-\d\d", "%Y-%m-%d"),
    (r"\d\d/\d\d/\d{4}", "%d/%m/%Y"),
    (r"\d\d-\d\d-\d{4}", "%d-%m-%Y"),
)
_TRUE, _FALSE = {"true", "1"}, {"false", "0"}


class Absence(str):
    """A code that says a parameter is absent or blank; some operations answer it with 400."""

    __slots__ = ()


@runtime_checkable
class CheckedField(Protocol):
    """A field of a form as the API document shows it."""

    def codes(self) -> Iterator[str]:
        """All codes that a value, or its absence, can give."""

    def json_schema(self) -> dict[str, Any]:
        """The schema of the values (JSON Schema, 2020-12)."""


class Parameter(fields.Field[Any]):
    """A parameter; absent it gives the codes `missing`, blank the code `empty`, if it has any.

    Blank is also what has no character that can be seen. Blank without a code of its own is no
    value: None, or what is missing where one is required.
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
        if value is None or (isinstance(value, str) and is_blank(value)):
            if self.empty:
                raise ValidationError([self.empty])
            blank = self.blank(value)
            if blank is None and self.required:
                raise self.make_error("required")
            return blank
        return super().deserialize(value, attr, data, **kwargs)

    def blank(self, value: str | None) -> Any:
        """The value of a blank parameter without a code."""
        return None

    def refuse(self) -> ValidationError:
        """The fault of a value that is of another type."""
        return ValidationError([self.invalid])

    def codes(self) -> Iterator[str]:
        """All codes that a value of the parameter, or its absence, can give."""
        yield from self.codes_of_absence()
        yield self.invalid

    def codes_of_absence(self) -> Iterator[str]:
        """The codes of an absent and of a blank value."""
        yield from self.error_messages["required"]
        if self.empty:
            yield self.empty

    def json_schema(self) -> dict[str, Any]:
        """The schema of the values in the API document (JSON Schema, 2020-12)."""
        return {}


class Text(Parameter):
    """Text of at most `maximum` characters, in NFC, without blanks around it or control characters.

    A text that is too long, or has a control character or a line break where there may be none,
    gives the code `flawed`; what is no text gives `invalid`, as `flawed` does where it is not set.
    Numbers of a JSON body count as text, as they do in a form.
    """

    def __init__(
        self,
        *,
        missing: Iterable[str] = (),
        empty: str | None = None,
        invalid: str = INVALID,
        flawed: str | None = None,
        maximum: int = 1024,
        lines: bool = False,
    ) -> None:
        super().__init__(missing=missing, empty=empty, invalid=invalid)
        self.flawed = flawed or invalid
        self.maximum = maximum
        self.lines = lines

    def blank(self, value: str | None) -> str | None:
        if value is None:
            return None
        self._deserialize(value, None, None)  # which refuses control characters
        return ""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise self.refuse()
        if len(value) > self.maximum or _CONTROL.search(value):
            raise ValidationError([self.flawed])
        text = self.read(value)
        if len(text) > self.maximum or (not self.lines and _LINE_BREAKS.search(text)):
            raise ValidationError([self.flawed])
        return text

    def read(self, text: str) -> str:
        """The value of a client's text."""
        return cleaned(text)

    def codes(self) -> Iterator[str]:
        yield from (*super().codes(), self.flawed)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.maximum}


class Password(Text):
    """A password as it was typed, with its blanks; stored digests may be of exactly this text.

    Code that hashes or compares passwords composes them (NFC).
    """

    def read(self, text: str) -> str:
        return text


class Email(Text):
    """An e-mail address; its domain may be in any script, and becomes punycode."""

    def read(self, text: str) -> str:
        return ascii_email(text)


class Code(Text):
    """A code of digits and letters, in any script and with any separators of groups."""

    def read(self, text: str) -> str:
        return plain_code(text)


class Integer(Parameter):
    """A whole number from `minimum` to `maximum`; outside it gives the code `range_code`.

    With `blank_code` a blank one is refused, though it need not be given at all.
    """

    def __init__(
        self,
        *,
        missing: Iterable[str] = (),
        empty: str | None = None,
        invalid: Iterable[str] = (INVALID,),
        minimum: int = 0,
        maximum: int = 2**31 - 1,
        range_code: str = INVALID,
        blank_code: str | None = None,
    ) -> None:
        super().__init__(missing=missing, empty=empty)
        self.blank_code = blank_code
        self.wrong_type = list(invalid)
        self.minimum, self.maximum, self.range_code = minimum, maximum, range_code

    def blank(self, value: str | None) -> int | None:
        if value is not None and self.blank_code:
            raise ValidationError([self.blank_code])
        return None

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError(self.wrong_type)
        if not self.minimum <= value <= self.maximum:
            raise ValidationError([self.range_code])
        return value

    def codes(self) -> Iterator[str]:
        yield from (*self.codes_of_absence(), *self.wrong_type, self.range_code)
        if self.blank_code:
            yield self.blank_code

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
    """A day as YYYY-MM-DD, or as DD/MM/YYYY or DD-MM-YYYY, which existing front ends send."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> date:
        text = value.strip() if isinstance(value, str) else ""
        for pattern, layout in _DAYS:
            if re.fullmatch(pattern, text, re.ASCII):
                try:
                    return datetime.strptime(text, layout).date()  # noqa: DTZ007 - a day has no zone
                except ValueError:
                    break
        raise self.refuse()

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}
