"""Rows that fail today, each with its reason; whoever mends a fault deletes its lines.

Keys are ids of rows, `row[upstream]` where only some upstreams show it, or `test:case` of a test
that is no row. A row that is listed and passes is an error: the list tells the truth.
"""

from collections.abc import Mapping

import pytest

KNOWN_FAULTS: Mapping[str, str] = {}


def expect_known_faults(request: pytest.FixtureRequest, *keys: str) -> bool:
    """Has the test fail by one of these keys, and returns whether it is known to."""
    reasons = [KNOWN_FAULTS[key] for key in keys if key in KNOWN_FAULTS]
    for reason in reasons:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    return bool(reasons)
