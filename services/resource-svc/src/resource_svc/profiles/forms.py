"""The parameters of operations on profiles."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import fields

from resource_svc.profiles.profile import FIELDS
from shared.declared import declared
from shared.web.bodies import MAX_BODY_BYTES
from shared.web.fields import Boolean, Date, Text

_NOT_GIVEN: Any = object()


class _ProfileText(Text):
    """Text of whatever length, so that the rules can name it."""

    def __init__(self) -> None:
        super().__init__(maximum=MAX_BODY_BYTES, lines=True)


class _Address(_ProfileText):
    """May have several lines."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return super()._deserialize(value, attr, data, **kwargs).strip()


class _Squished(_ProfileText):
    """Whatever space there is between words counts as one."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return " ".join(super()._deserialize(value, attr, data, **kwargs).split())


class _Country(_Squished):
    """A code, whose letters are kept as capitals."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return super()._deserialize(value, attr, data, **kwargs).upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileForm:
    """A profile, or what is to change in it; blank fields are emptied, absent ones stay."""

    first_name: str | None = declared(_Squished(), _NOT_GIVEN)
    last_name: str | None = declared(_Squished(), _NOT_GIVEN)
    dob: date | None = declared(Date(), _NOT_GIVEN)
    address: str | None = declared(_Address(), _NOT_GIVEN)
    postcode: str | None = declared(_Squished(), _NOT_GIVEN)
    city: str | None = declared(_Squished(), _NOT_GIVEN)
    country: str | None = declared(_Country(), _NOT_GIVEN)
    metadata: str | None = declared(_ProfileText(), _NOT_GIVEN)
    confirm: bool | None = declared(Boolean(), None)

    @property
    def written(self) -> dict[str, Any]:
        """The fields of the profile that were given."""
        fields = {name: getattr(self, name) for name in FIELDS}
        return {name: value for name, value in fields.items() if value is not _NOT_GIVEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdministerProfileForm(ProfileForm):
    """What an administrator changes in a profile, and whose it is."""

    uid: str = declared(fields.String(required=True))
    state: str | None = declared(fields.String(allow_none=True), None)
