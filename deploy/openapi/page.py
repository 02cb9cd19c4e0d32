"""The API document as a page to read, which needs neither scripts nor anything from elsewhere."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape

from deploy.openapi.schemas import Schema

_HERE = Path(__file__).parent
_REFUSAL = {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}}


def page(document: Schema, source: str) -> str:
    """HTML; `source` is where the document itself is."""
    tags: dict[str, list[Mapping[str, Any]]] = {}
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            if verb != "servers":
                shown = _shown(verb.upper(), path, operation)
                tags.setdefault(operation["tags"][0], []).append(shown)
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=select_autoescape(default=True)
    )
    environment.filters["marked"] = _marked
    return environment.get_template("page.html.j2").render(
        info=document["info"],
        below=document["servers"][0]["url"],
        source=source,
        tags=tags,
        models=document["components"]["schemas"],
    )


def _marked(text: str) -> Markup:
    """Text in which code stands between backticks."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped


def _shown(verb: str, path: str, operation: Schema) -> Mapping[str, Any]:
    return {
        "id": operation["operationId"],
        "verb": verb,
        "path": path,
        "summary": operation["summary"],
        "note": operation.get("description"),
        "beyond": operation.get("x-beyond-barong"),
        "parameters": list(_parameters(operation)),
        "answers": [
            (status, response.get("content", {}), list(response.get("headers", ())))
            for status, response in operation["responses"].items()
            if "$ref" not in response
        ]
        + [(_refusals(operation), _REFUSAL, [])],
    }


def _parameters(operation: Schema) -> Iterator[Mapping[str, Any]]:
    for parameter in operation.get("parameters", ()):
        yield {**parameter, "place": parameter["in"]}
    contents = operation.get("requestBody", {}).get("content", {})
    for content in list(contents.values())[:1]:
        schema = content["schema"]
        for name, each in schema["properties"].items():
            required = name in schema.get("required", ())
            yield {"name": name, "place": "body", "required": required, "schema": each}


def _refusals(operation: Schema) -> str:
    refused = [status for status, response in operation["responses"].items() if "$ref" in response]
    return ", ".join(status for status in refused if status != "default") or "otherwise"
