"""What comes in to the operations on labels."""

from dataclasses import dataclass

from marshmallow import fields

from resource_svc.labels.models import normalized
from shared.contracts.administration import Administrator
from shared.declared import declared
from shared.web.administrators import AdministratorField
from shared.web.bodies import MAX_BODY_BYTES
from shared.web.fields import Text


class LabelText(Text):
    """A key or value, normalized, of any length: the rules answer with a code of their own."""

    def __init__(self, name: str) -> None:
        empty = f"resource.label.empty_{name}"
        super().__init__(
            missing=(f"resource.label.missing_{name}", empty),
            empty=empty,
            flawed=f"{name}.invalid",
            maximum=MAX_BODY_BYTES,
        )

    def read(self, text: str) -> str:
        return normalized(super().read(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyForm:
    """A label, by its key."""

    key: str = declared(LabelText("key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelForm:
    """A label, with its value."""

    key: str = declared(LabelText("key"))
    value: str = declared(LabelText("value"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyKeyForm(KeyForm):
    """A label that an administrator deletes: of which user, and by whom."""

    by: Administrator = declared(AdministratorField())
    uid: str = declared(fields.String(required=True))
    scope: str = declared(fields.String(required=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyLabelForm(LabelForm):
    """A label that an administrator writes: of which user, and by whom."""

    by: Administrator = declared(AdministratorField())
    uid: str = declared(fields.String(required=True))
    scope: str = declared(fields.String(required=True))
    description: str | None = declared(fields.String(allow_none=True), None)
    or_add: bool = declared(fields.Boolean(), False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateLabelForm(LabelForm):
    """A private label of a user."""

    uid: str = declared(fields.String(required=True))
