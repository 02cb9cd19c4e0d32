"""The file that lists the operations that require a captcha: captcha.yaml."""

from pathlib import Path
from typing import Any

import yaml

from identity_svc.captcha.models import ENDPOINTS
from shared.settings import SettingsError


def protected_endpoints(config_dir: str) -> frozenset[str]:
    """The operations that require a captcha; raises `SettingsError`."""
    path = Path(config_dir, "captcha.yaml")
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError([f"{path}: {error}"]) from None
    names = _names(content)
    if names is None:
        raise SettingsError([f"{path}: `protected_endpoints`, a list of names, is wanted"])
    if unknown := sorted(names - ENDPOINTS):
        known = ", ".join(sorted(ENDPOINTS))
        raise SettingsError([f"{path}: {', '.join(unknown)} unknown; known are {known}"])
    return names


def _names(content: Any) -> frozenset[str] | None:
    if not isinstance(content, dict) or set(content) != {"protected_endpoints"}:
        return None
    names = content["protected_endpoints"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return frozenset(names)
