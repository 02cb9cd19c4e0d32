"""The file that says which types of documents there are: document_types.yaml."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from shared.settings import SettingsError


def configured_types(config_dir: str) -> Mapping[str, bool]:
    """The types that the operator knows, and whether documents of each expire.

    Raises `SettingsError`.
    """
    path = Path(config_dir, "document_types.yaml")
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError([f"{path}: {error}"]) from None
    try:
        types = dict(_types(content))
    except ValueError:
        types = {}
    if not types:
        raise SettingsError(
            [f"{path}: `types`, a list of names or of {{name, expires}}, is wanted"]
        )
    return types


def _types(content: Any) -> Iterator[tuple[str, bool]]:
    types = content.get("types") if isinstance(content, dict) and len(content) == 1 else None
    for each in types if isinstance(types, list) else ():
        named = each if isinstance(each, dict) else {"name": each}
        name, expires = named.get("name"), named.get("expires", True)
        if not isinstance(name, str) or not name.strip() or not isinstance(expires, bool):
            raise ValueError
        if named.keys() - {"name", "expires"}:
            raise ValueError
        yield name, expires
