"""The manifests of a folder in k8s, as kustomize renders them."""

import functools
import json
import shutil
import subprocess
from pathlib import Path

from deploy.go_tools import KUSTOMIZE, ROOT


def render(folder: Path, cache: Path = ROOT / ".local") -> str:
    """What `kubectl kustomize` prints for `folder`; a kustomize that is built lies in `cache`.

    Raises StartError if no kustomize can be had, and CalledProcessError if it refuses the folder.
    """
    return subprocess.run(
        [*_command(cache), folder], capture_output=True, text=True, timeout=60, check=True
    ).stdout


@functools.cache
def _command(cache: Path) -> tuple[str | Path, ...]:
    """kubectl's, or one built for this folder."""
    if (kubectl := shutil.which("kubectl")) and _is_new(kubectl):
        return kubectl, "kustomize"
    return KUSTOMIZE.built(cache), "build"


def _is_new(kubectl: str) -> bool:
    """Whether it has kustomize 5: Debian 12 has a kubectl with the second."""
    done = subprocess.run(
        [kubectl, "version", "--client", "--output=json"], capture_output=True, check=False
    )
    return not done.returncode and json.loads(done.stdout)["kustomizeVersion"] >= "v5"
