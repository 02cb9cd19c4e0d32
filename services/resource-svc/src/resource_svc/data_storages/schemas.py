"""What comes in to the operations on data storages."""

from dataclasses import dataclass

from marshmallow import fields

from shared.contracts.administration import Administrator
from shared.declared import declared
from shared.web.administrators import AdministratorField
from shared.web.bodies import MAX_BODY_BYTES
from shared.web.fields import Text


class _StorageText(Text):
    """Text of any length: the rules answer with a code of their own."""

    def __init__(self, name: str, flawed: str) -> None:
        empty = f"resource.datastorage.empty_{name}"
        super().__init__(
            missing=(f"resource.datastorage.missing_{name}", empty),
            empty=empty,
            flawed=flawed,
            maximum=MAX_BODY_BYTES,
            lines=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataStorageForm:
    """POST /data_storage."""

    title: str = declared(_StorageText("title", "title.inclusion"))
    data: str = declared(_StorageText("data", "data.invalid_format"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDataStorageForm:
    """DELETE /subjects/{uid}/data_storages, of the internal API."""

    by: Administrator = declared(AdministratorField())
    uid: str = declared(fields.String(required=True))
    title: str = declared(fields.String(required=True))
