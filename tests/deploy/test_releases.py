"""A release is rolled out, and back, by applying an overlay: no object changes that may not."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.deploy.manifests import OVERLAYS, of_kind
from tests.support.kustomize import rendered
from tests.support.system import ROOT

_OLD, _NEW = "0.1.0", "1.2.3-rc.1"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_release_has_migration_jobs_of_its_own(overlay: str, tmp_path: Path) -> None:
    for folder in ("k8s", "deploy"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for file in (tmp_path / "k8s").rglob("*.yaml"):
        file.write_text(file.read_text().replace(_OLD, _NEW))

    old = of_kind(rendered(overlay), "Job")
    new = of_kind(rendered(str(tmp_path / overlay)), "Job")

    assert len(old) == len(new) >= 3
    assert all(name.endswith(f"-{_OLD}") for name in old)
    assert {name.removesuffix(_OLD) for name in old} == {name.removesuffix(_NEW) for name in new}
    assert not set(old) & set(new)


def test_an_overlay_on_top_names_the_jobs_by_its_own_tag(tmp_path: Path) -> None:
    for folder in ("k8s", "deploy"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    production = yaml.safe_load((ROOT / OVERLAYS[1] / "kustomization.yaml").read_text())
    own = tmp_path / "k8s/overlays/own"
    own.mkdir()
    kustomization = {
        "resources": ["../production"],
        "images": [{"name": i["newName"], "newTag": _NEW} for i in production["images"]],
        "replacements": production["replacements"],
    }
    (own / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))

    jobs = of_kind(rendered(str(own)), "Job")

    assert len(jobs) == len(of_kind(rendered(OVERLAYS[1]), "Job"))
    for name, job in jobs.items():
        assert name.endswith(f"-{_NEW}")
        assert all(
            container["image"].endswith(f":{_NEW}")
            for container in job["spec"]["template"]["spec"]["containers"]
        )
