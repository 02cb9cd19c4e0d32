"""The document and its page as the gateway carries them."""

import json
from collections.abc import Mapping

from deploy.openapi.document import document
from deploy.openapi.page import page

DOCUMENT, PAGE = "openapi.json", "openapi.html"


def files() -> Mapping[str, str]:
    """What each file holds, by its name."""
    made = document()
    return {DOCUMENT: json.dumps(made, indent=1) + "\n", PAGE: page(made, DOCUMENT) + "\n"}
