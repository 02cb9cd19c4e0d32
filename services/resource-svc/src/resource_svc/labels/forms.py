"""The parameters of operations on labels."""

from dataclasses import dataclass

from marshmallow import fields

from resource_svc.labels.rules import normalized
from shared.contracts.administration import Administrator
from shared.declared import declared
from shared.web.administrators import AdministratorField
from shared.web.bodies import MAX_BODY_BYTES
from shared.web.fields import Text


class LabelText(Text):
    """A label's key or value, normalized; whatever its length, so that the rules can name it."""

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
    """Which label is meant."""

    key: str = declared(LabelText("key"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelForm:
    """A label as it shall be."""

    key: str = declared(LabelText("key"))
    value: str = declared(LabelText("value"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyKeyForm(KeyForm):
    """Which label of which user is meant, and which administrator asks."""

    by: Administrator = declared(AdministratorField())
    uid: str = declared(fields.String(required=True))
    scope: str = declared(fields.String(required=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyLabelForm(LabelForm):
    """A label as an administrator wants it to be, whose it is, and who asks."""

    by: Administrator = declared(AdministratorField())
    uid: str = declared(fields.String(required=True))
    scope: str = declared(fields.String(required=True))
    description: str | None = declared(fields.String(allow_none=True), None)
    or_add: bool = declared(fields.Boolean(), False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateLabelForm(LabelForm):
    """A private label as it shall be, and whose it is."""

    uid: str = declared(fields.String(required=True))
