"""The parameters of reading the policy."""

from dataclasses import dataclass

from shared.declared import declared
from shared.web.fields import Integer


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyForm:
    """GET /policy, of the internal API; `known` is the version that the caller has."""

    known: int | None = declared(Integer(maximum=2**53), None)
