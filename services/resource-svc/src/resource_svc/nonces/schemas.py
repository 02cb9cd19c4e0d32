"""What comes in to the operation on nonces."""

from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields

from shared.contracts.api_keys import MAX_NONCE_LIFETIME, MAX_NONCES, Nonce
from shared.declared import declared
from shared.web.fields import INVALID, Integer


class _Nonces(fields.Field[tuple[Nonce, ...]]):
    """`[[kid, moment], …]`, of message signatures `[kid, moment, nonce]`."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, **kwargs: Any
    ) -> tuple[Nonce, ...]:
        if not isinstance(value, list) or not 0 < len(value) <= MAX_NONCES:
            raise ValidationError(INVALID)
        try:
            return tuple(Nonce.of(pair) for pair in value)
        except ValueError:
            raise ValidationError(INVALID) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class UseNoncesForm:
    """POST /nonces/use, of the internal API; `lifetime` is in milliseconds."""

    nonces: tuple[Nonce, ...] = declared(_Nonces(required=True))
    lifetime: int = declared(
        Integer(missing=(INVALID,), empty=INVALID, minimum=1, maximum=MAX_NONCE_LIFETIME)
    )
