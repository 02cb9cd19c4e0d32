"""What is refused before anybody looks at a request."""

from shared.errors import Refusal


class Stalled(Refusal):
    """The client did not go on sending."""

    codes = ("request.timeout",)
    status = 408
