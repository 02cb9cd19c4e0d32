"""The API document as the gateway carries it."""

import json
from pathlib import Path

from deploy.openapi.document import document

CARRIED = Path("services/authz-gateway/src/authz_gateway/api_document/openapi.json")


def text() -> str:
    """The document as JSON."""
    return json.dumps(document(), indent=1) + "\n"
