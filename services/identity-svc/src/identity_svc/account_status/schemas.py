"""The parameters of the internal operation on account status."""

from dataclasses import dataclass

from marshmallow import fields, validate

from shared.declared import declared


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyLabelsForm:
    """`PrivateLabels.to_internal()`."""

    uid: str = declared(fields.String(required=True))
    version: int = declared(fields.Integer(required=True, validate=validate.Range(1)))
    labels: dict[str, str] = declared(fields.Dict(fields.String(), fields.String(), required=True))
