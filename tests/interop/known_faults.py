"""Rows that fail today, each with its reason; whoever mends a fault deletes its lines.

Keys are ids of rows, `row[upstream]` where only some upstreams show it, or `test:case` of a test
that is no row. A row that is listed and passes is an error: the list tells the truth.
"""

from collections.abc import Mapping

import pytest

_HEAD = "a connection is used again although the upstream may still send a body"

KNOWN_FAULTS: Mapping[str, str] = {
    "idle:a-second": "a route cannot tell how long its upstream keeps idle connections",
    "head-of-a-page[gunicorn]": _HEAD,
    "pipelined-behind-a-page[gunicorn]": _HEAD,
    "204[gunicorn]": _HEAD,
    "204-to-a-post[gunicorn]": _HEAD,
    "304[gunicorn]": _HEAD,
    "304-to-a-head[gunicorn]": _HEAD,
    "answer:204-with-an-answer-later": _HEAD,
    "answer:304-with-an-answer-later": _HEAD,
    "answer:head-with-an-answer-later": _HEAD,
    "answer:head-of-chunks-with-an-answer-later": _HEAD,
}


def expect_known_faults(request: pytest.FixtureRequest, *keys: str) -> bool:
    """Has the test fail by one of these keys, and returns whether it is known to."""
    reasons = [KNOWN_FAULTS[key] for key in keys if key in KNOWN_FAULTS]
    for reason in reasons:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    return bool(reasons)
