"""The file that says what data storages may be called: data_storage_titles.yaml."""

import re
from pathlib import Path
from typing import Any

import yaml

from shared.settings import SettingsError

_LABEL_KEY = re.compile(r"[a-z0-9_-]{3,255}")


def configured_titles(config_dir: str) -> frozenset[str]:
    """The titles that the operator allows; raises `SettingsError`."""
    path = Path(config_dir, "data_storage_titles.yaml")
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError([f"{path}: {error}"]) from None
    titles = _titles(content)
    if titles is None:
        raise SettingsError([f"{path}: `titles`, a list of keys of labels, is wanted"])
    return titles


def _titles(content: Any) -> frozenset[str] | None:
    if not isinstance(content, dict) or set(content) != {"titles"}:
        return None
    titles = content["titles"]
    if not isinstance(titles, list) or not all(map(_is_label_key, titles)):
        return None
    return frozenset(titles)


def _is_label_key(title: Any) -> bool:
    return isinstance(title, str) and _LABEL_KEY.fullmatch(title) is not None
