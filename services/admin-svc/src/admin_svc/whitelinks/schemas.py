"""The parameters of the operations on whitelinks."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from marshmallow import ValidationError, fields

from admin_svc.parameters import Word
from shared.answer_schemas import AnswerSchema
from shared.declared import declared
from shared.web.fields import INVALID, Absence, Integer, Text

_EMPTY_EXPIRE = Absence("admin.restriction.empty_expire_time")
_INVALID_EXPIRE = "invalid_expire"
_UNITS = {"day": timedelta(days=1), "hour": timedelta(hours=1)}


class ExpireTime(Integer):
    """A number of days or hours, 1 to 30."""

    def __init__(self) -> None:
        super().__init__(
            invalid=(INVALID, _INVALID_EXPIRE), minimum=1, maximum=30, range_code=_INVALID_EXPIRE
        )

    def blank(self, value: str | None) -> Any:
        raise ValidationError([_EMPTY_EXPIRE, _INVALID_EXPIRE])

    def codes(self) -> Iterator[str]:
        yield from (*super().codes(), _EMPTY_EXPIRE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWhitelinkForm:
    """POST /admin/restrictions/whitelink."""

    expire_time: int = declared(ExpireTime(), 1)
    range: str = declared(
        Word(
            _UNITS,
            blank=("admin.restriction.empty_range", "invalid_range"),
            invalid="invalid_range",
        ),
        "day",
    )

    @property
    def lifetime(self) -> timedelta:
        """The time until the link expires."""
        return self.expire_time * _UNITS[self.range]


@dataclass(frozen=True, slots=True, kw_only=True)
class UseWhitelinkForm:
    """POST /whitelinks/use."""

    token: str = declared(
        Text(
            missing=("whitelink.missing_token", "whitelink.empty_token"),
            empty="whitelink.empty_token",
        )
    )
    address: str = declared(
        Text(
            missing=("whitelink.missing_address", "whitelink.empty_address"),
            empty="whitelink.empty_address",
        )
    )


class WhitelinkSchema(AnswerSchema):
    """A link that lets an address in."""

    whitelink_token = fields.String()
