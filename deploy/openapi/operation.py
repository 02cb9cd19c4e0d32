"""What is told of an operation besides its route and its form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.openapi.headers import Headers
from deploy.openapi.schemas import Schema
from shared.web.routes import NoParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How an operation answers.

    `answer` is the model of a success, None where it has no body; `other_types` are the content
    types besides `media_type` in which it can be had. `headers` are those of a list's page.
    `refusals` are the statuses of refusals but those that any call may meet. `ours`: it is not
    part of Barong 2.4. `form` stands in for that of the route where the handler reads the body
    itself.
    """

    summary: str
    status: int
    answer: Schema | None = None
    media_type: str = "application/json"
    other_types: Mapping[str, Schema] = field(default_factory=dict)
    headers: Headers = field(default_factory=dict)
    refusals: tuple[int, ...] = ()
    note: str = ""
    ours: bool = False
    form: type[Any] = NoParameters


Operations = dict[str, Operation]
"""By verb and path, as `GET /identity/ping`."""
