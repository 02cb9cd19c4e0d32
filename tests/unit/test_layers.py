"""Every feature is in the contracts of import-linter that hold the layout of features."""

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LAYERS = ("handlers", "use_cases", "store", "events", "schemas", "models")
CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
    "importlinter"
]["contracts"]


def features() -> dict[str, set[str]]:
    """The features that have several layers, and those layers: `identity_svc.users`, and so on."""
    layers: dict[str, set[str]] = {}
    for module in ROOT.glob("services/*/src/*/*/*.py"):
        if module.stem in LAYERS:
            feature = f"{module.parts[-3]}.{module.parts[-2]}"
            layers.setdefault(feature, set()).add(module.stem)
    return {feature: of_it for feature, of_it in layers.items() if len(of_it) > 1}


def test_the_imports_inside_each_feature_are_checked() -> None:
    checked = {
        container
        for contract in CONTRACTS
        if contract["type"] == "layers" and "(handlers)" in contract["layers"]
        for container in contract["containers"]
    }
    found = features()
    assert "identity_svc.users" in found
    assert found.keys() - checked == set()


def test_the_store_of_each_feature_is_protected_from_the_others() -> None:
    protected = [
        pattern.replace("**", "*")
        for contract in CONTRACTS
        if contract["type"] == "protected"
        for pattern in contract["protected_modules"]
    ]
    stores = [f"{feature}.store" for feature, layers in features().items() if "store" in layers]
    assert len(stores) > 30
    assert [each for each in stores if not any(fnmatchcase(each, p) for p in protected)] == []


def test_handlers_of_every_service_with_stores_are_kept_from_them() -> None:
    (contract,) = (each for each in CONTRACTS if each["name"].startswith("Handlers ask use cases"))
    services = {
        feature.split(".")[0]
        for feature, layers in features().items()
        if {"store", "handlers"} <= layers
    }
    assert {f"{service}.**.handlers" for service in services} <= set(contract["source_modules"])
    assert {f"{service}.**.store" for service in services} <= set(contract["forbidden_modules"])
