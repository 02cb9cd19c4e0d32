"""How often codes are sent, how long they live, and how often they may be guessed at."""

from dataclasses import dataclass

CHANNELS = ("sms", "call")
MAX_PHONES = 50
"""Of one user; nobody needs more, and unproven ones stay."""

CODE_DIGITS = 5  # as many as Barong's, for which front ends leave room
CODE_SECONDS = 600
MAX_ATTEMPTS = 5
"""At one code. With the limits to sends that is less than one guess in a thousand right a day."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `sends` in any `seconds`."""

    sends: int
    seconds: int


PER_USER_AND_NUMBER = (Limit(5, 600), Limit(10, 86_400))
"""What one user asks for to one number."""

PER_NUMBER = (Limit(15, 600), Limit(40, 86_400))
"""What all users together ask for to one number, so that it is not flooded.

More than any one user may ask for: what one stranger does leaves the owner of the number all that
the owner may ask for. It takes several accounts to reach this, and each has its own limits.
"""

PER_USER = (Limit(30, 86_400),)
"""What one user asks for, to whatever numbers."""

HOUR = 3600
