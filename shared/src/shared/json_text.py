"""Whether a text is JSON: users store JSON texts as data and metadata."""

import json


def is_json(text: str) -> bool:
    """NaN and Infinity, which Python would parse, are not JSON (RFC 8259, 6)."""
    try:
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(name: str) -> None:
    raise ValueError(name)
