"""Why something failed, in words that may be logged."""

import pytest

from shared.errors import Unavailable
from shared.reasons import reason_of, without_credentials


def test_the_cause_at_the_bottom_is_told() -> None:
    unavailable = Unavailable("postgresql")
    unavailable.__cause__ = OSError(111, "Connect call failed")
    assert reason_of(unavailable) == "ConnectionRefusedError: [Errno 111] Connect call failed"
    assert reason_of(TimeoutError()) == "TimeoutError"
    assert reason_of(None) == ""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("amqp://user:secret@rabbit:5672/ refused", "amqp://rabbit:5672/ refused"),
        ("postgresql://u:p@ss@db/x", "postgresql://db/x"),
        ("mail to a@b.c", "mail to a@b.c"),
    ],
)
def test_credentials_are_not_told(said: str, told: str) -> None:
    assert without_credentials(said) == told
    assert reason_of(ValueError(said)) == f"ValueError: {told}"


def test_a_reason_is_a_short_line() -> None:
    assert reason_of(ValueError("a\n  b")) == "ValueError: a b"
    assert len(reason_of(ValueError("x" * 10_000))) == 500
