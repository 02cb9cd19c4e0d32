"""The parameters of operations on phones."""

from dataclasses import dataclass
from typing import Any

from resource_svc.phones.errors import InvalidChannel
from resource_svc.phones.rules import CHANNELS
from shared.declared import declared
from shared.web.fields import Parameter, Text

_DEFAULT_CHANNEL = "sms"


class _Required(Text):
    def __init__(self, name: str) -> None:
        empty = f"resource.phone.empty_{name}"
        super().__init__(missing=(f"resource.phone.missing_{name}", empty), empty=empty)


class _Channel(Parameter):
    """One of the channels; blank is none of them."""

    def __init__(self) -> None:
        super().__init__(invalid=InvalidChannel.codes[0])

    def blank(self, value: str | None) -> str:
        if value is not None:
            raise self.refuse()
        return _DEFAULT_CHANNEL

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if value not in CHANNELS:
            raise self.refuse()
        return str(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(CHANNELS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCodeForm:
    """POST /phones and /phones/send_code."""

    phone_number: str = declared(_Required("phone_number"))
    channel: str = declared(_Channel(), _DEFAULT_CHANNEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPhoneForm:
    """POST /phones/verify."""

    phone_number: str = declared(_Required("phone_number"))
    verification_code: str = declared(_Required("verification_code"))
