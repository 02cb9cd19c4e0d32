"""Errors of requests that did not arrive completely."""

from shared.errors import Refusal


class Stalled(Refusal):
    """The client stopped sending in the middle of a request."""

    codes = ("request.timeout",)
    status = 408
