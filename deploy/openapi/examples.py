"""Examples of requests and answers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
FILE = _HERE / "examples.json"
"""Exchanges with real services; tests/integration/test_examples.py records and checks them."""

EXAMPLES: Mapping[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
"""By verb and path: `parameters`, `body` and `answer`, as far as the exchange had them."""

BY_HAND: Mapping[str, Any] = {
    "GET /identity/users/register_geetest": {
        "answer": {
            "success": 1,
            "gt": "4ee2b1d3e3a2f1b0c9d8e7f6a5b4c3d2",
            "challenge": "9c5a1f0e7b2d4c3a8e6f5d4c3b2a1908",
            "new_captcha": True,
        }
    }
}
"""What needs an account with somebody else."""
