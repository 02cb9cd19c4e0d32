"""The parameters of the operation on profiles."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.declared import declared
from shared.web.bodies import MAX_BODY_BYTES
from shared.web.fields import Date, Text

_NOT_GIVEN: Any = object()
_TEXTS = ("first_name", "last_name", "address", "postcode", "city", "country", "metadata")


def _text(flawed: str) -> Text:
    """A text of any length: resource-svc checks it."""
    return Text(flawed=flawed, maximum=MAX_BODY_BYTES, lines=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeProfileForm:
    """PUT /admin/profiles; blank fields are emptied, absent ones stay."""

    uid: str = declared(Text(missing=("admin.profile.missing_uid",)))
    first_name: str | None = declared(_text("first_name.invalid"), _NOT_GIVEN)
    last_name: str | None = declared(_text("last_name.invalid"), _NOT_GIVEN)
    dob: date | None = declared(Date(), _NOT_GIVEN)
    address: str | None = declared(_text("address.invalid"), _NOT_GIVEN)
    postcode: str | None = declared(_text("postcode.invalid"), _NOT_GIVEN)
    city: str | None = declared(_text("city.invalid"), _NOT_GIVEN)
    country: str | None = declared(_text("country.must have alpha2 or alpha3 format"), _NOT_GIVEN)
    state: str | None = declared(Text(flawed="state.inclusion"), None)
    metadata: str | None = declared(_text("metadata.invalid_format"), _NOT_GIVEN)

    @property
    def written(self) -> dict[str, str | None]:
        """The fields to set, as resource-svc receives them."""
        fields = {name: getattr(self, name) for name in _TEXTS}
        if self.dob is not _NOT_GIVEN:
            fields["dob"] = self.dob and self.dob.isoformat()
        return {name: value for name, value in fields.items() if value is not _NOT_GIVEN}
