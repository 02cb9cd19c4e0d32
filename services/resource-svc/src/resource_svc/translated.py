"""Refusals of identity-svc, translated into those of the operation that calls it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from shared.errors import Invalid, Refusal


@contextmanager
def translated(words: Mapping[str, type[Refusal]]) -> Iterator[None]:
    """Raises the refusal that `words` has for a code, in place of an `Invalid` with that code."""
    try:
        yield
    except Invalid as refusal:
        for code in refusal.codes:
            if code in words:
                raise words[code] from None
        raise
