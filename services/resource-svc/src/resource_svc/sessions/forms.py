"""The parameters of operations on sessions."""

from dataclasses import dataclass

from shared.declared import declared
from shared.web.fields import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeSessionForm:
    """DELETE /sessions/{id}."""

    id: str = declared(Text())
