"""Rows that fail today, each with its reason. Delete the lines of a fault with its fix.

Keys are ids of rows, `row[upstream]` when only some upstreams fail, or `test:case` of a test
that is no row. A listed row that passes is an error, so that the list stays correct.
"""

from collections.abc import Mapping

import pytest

KNOWN_FAULTS: Mapping[str, str] = {}


def expect_known_faults(request: pytest.FixtureRequest, *keys: str) -> bool:
    """Marks the test as an expected failure if a key is listed; returns whether one is."""
    reasons = [KNOWN_FAULTS[key] for key in keys if key in KNOWN_FAULTS]
    for reason in reasons:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    return bool(reasons)
