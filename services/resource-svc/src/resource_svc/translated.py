"""Refusals of identity-svc, in the words of the operation that asks it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from shared.errors import Invalid, Refusal


@contextmanager
def translated(words: Mapping[str, type[Refusal]]) -> Iterator[None]:
    """Raises, in place of an `Invalid` with one of these codes, the refusal that stands there."""
    try:
        yield
    except Invalid as refusal:
        for code in refusal.codes:
            if code in words:
                raise words[code] from None
        raise
