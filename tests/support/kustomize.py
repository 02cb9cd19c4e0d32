"""Overlays as kustomize renders them."""

import functools
from typing import Any, TypeAlias

import yaml

from deploy.manifests import render
from tests.support.system import ROOT

Resource: TypeAlias = dict[str, Any]


@functools.cache
def rendered(folder: str) -> tuple[Resource, ...]:
    """What `kubectl kustomize` prints for a folder of ours; it is not to be changed."""
    return tuple(yaml.safe_load_all(render(ROOT / folder)))
