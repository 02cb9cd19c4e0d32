"""What comes in to the operations on profiles."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import fields

from resource_svc.profiles.models import FIELDS
from shared.contracts.administration import Administrator
from shared.declared import declared
from shared.web.administrators import AdministratorField
from shared.web.bodies import MAX_BODY_BYTES
from shared.web.fields import Boolean, Date, Text

_NOT_GIVEN: Any = object()


class _ProfileText(Text):
    """Text of any length, and of several lines: the rules answer with a code of their own."""

    def __init__(self, flawed: str) -> None:
        super().__init__(flawed=flawed, maximum=MAX_BODY_BYTES, lines=True)


class _Squished(_ProfileText):
    """Any space between words counts as one blank."""

    def read(self, text: str) -> str:
        return " ".join(super().read(text).split())


class _Country(_Squished):
    """A code, which is stored in capitals."""

    def read(self, text: str) -> str:
        return super().read(text).upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileForm:
    """A profile, or changes of it; blank fields are emptied, absent ones stay."""

    first_name: str | None = declared(_Squished("first_name.invalid"), _NOT_GIVEN)
    last_name: str | None = declared(_Squished("last_name.invalid"), _NOT_GIVEN)
    dob: date | None = declared(Date(), _NOT_GIVEN)
    address: str | None = declared(_ProfileText("address.invalid"), _NOT_GIVEN)
    postcode: str | None = declared(_Squished("postcode.invalid"), _NOT_GIVEN)
    city: str | None = declared(_Squished("city.invalid"), _NOT_GIVEN)
    country: str | None = declared(
        _Country("country.must have alpha2 or alpha3 format"), _NOT_GIVEN
    )
    metadata: str | None = declared(_ProfileText("metadata.invalid_format"), _NOT_GIVEN)
    confirm: bool | None = declared(Boolean(), None)

    @property
    def written(self) -> dict[str, Any]:
        """The fields of the profile that were sent."""
        fields = {name: getattr(self, name) for name in FIELDS}
        return {name: value for name, value in fields.items() if value is not _NOT_GIVEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdministerProfileForm(ProfileForm):
    """A change of a profile by an administrator: of which user, and by whom."""

    by: Administrator = declared(AdministratorField())
    uid: str = declared(fields.String(required=True))
    state: str | None = declared(fields.String(allow_none=True), None)
