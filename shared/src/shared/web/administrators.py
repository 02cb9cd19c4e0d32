"""The field of an internal operation that says which administrator asks."""

from typing import Any

from marshmallow import ValidationError, fields

from shared.contracts.administration import Administrator
from shared.web.fields import INVALID


class AdministratorField(fields.Field[Administrator]):
    """`Administrator.to_internal()`; always required."""

    def __init__(self) -> None:
        super().__init__(required=True)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Administrator:
        try:
            return Administrator(str(value["uid"]), str(value["role"]))
        except (KeyError, TypeError):
            raise ValidationError(INVALID) from None
