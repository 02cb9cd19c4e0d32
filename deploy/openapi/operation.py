"""What is told of an operation besides its route and its form."""

from dataclasses import dataclass
from typing import Any

from deploy.openapi.schemas import Schema
from shared.web.routes import NoParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """How an operation answers.

    `answer` is the model of a success, None where it has no body. `paged`: the answer is one page
    of a list, with the headers of pages. `refusals` are the statuses that are worth knowing;
    whatever else may happen looks the same. `ours`: it is not part of Barong 2.4.
    `form` stands in for that of the route where the handler reads the body itself.
    """

    summary: str
    status: int
    answer: Schema | None = None
    media_type: str = "application/json"
    refusals: tuple[int, ...] = ()
    paged: bool = False
    note: str = ""
    ours: bool = False
    form: type[Any] = NoParameters


Operations = dict[str, Operation]
"""By verb and path, as `GET /identity/ping`."""
