"""The file that says which types of documents there are: document_types.yaml."""

from pathlib import Path
from typing import Any

import yaml

from shared.settings import SettingsError


def configured_types(config_dir: str) -> frozenset[str]:
    """The types that the operator knows; raises `SettingsError`."""
    path = Path(config_dir, "document_types.yaml")
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError([f"{path}: {error}"]) from None
    types = _types(content)
    if not types:
        raise SettingsError([f"{path}: `types`, a list of names, is wanted"])
    return frozenset(types)


def _types(content: Any) -> list[str]:
    types = content.get("types") if isinstance(content, dict) and len(content) == 1 else None
    named = isinstance(types, list) and all(isinstance(t, str) and t.strip() for t in types)
    return types if isinstance(types, list) and named else []
