"""The locks: images share one layer of libraries, so the same package has one version in all."""

import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.images.build import IMAGES
from deploy.images.imports import modules_of
from deploy.sbom import MIGRATIONS, lock_of, pins
from tests.support.system import ROOT

REQUIREMENTS = ROOT / "requirements"
DISTRIBUTIONS = packages_distributions()


def locked(name: str) -> dict[str, str]:
    return {pin.name: pin.version for pin in pins((REQUIREMENTS / name).read_text())}


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_the_libraries_of_all_in_the_same_versions(image: str) -> None:
    common, own = locked("runtime.txt"), locked(lock_of(image, REQUIREMENTS).name)
    assert common.items() <= own.items()


@pytest.mark.parametrize("environment", ["local.txt", "dev.txt"])
def test_tests_and_make_run_have_what_images_have(environment: str) -> None:
    there = locked(environment)
    for image in IMAGES:
        assert locked(lock_of(image, REQUIREMENTS).name).items() <= there.items(), image


@pytest.mark.parametrize("image", [image for image in IMAGES if image != MIGRATIONS])
def test_an_image_has_what_its_package_depends_on(image: str) -> None:
    project = tomllib.loads((ROOT / "services" / image / "pyproject.toml").read_text())["project"]
    wanted = {Requirement(each).name for each in project["dependencies"]} - {"barong-shared"}
    assert wanted <= locked(lock_of(image, REQUIREMENTS).name).keys()


@pytest.mark.parametrize("image", [image for image in IMAGES if image != MIGRATIONS])
def test_an_image_has_what_its_code_imports(image: str) -> None:
    """Also what functions import. The image itself is asked by tests/deploy and `make images`."""
    there = locked(lock_of(image, REQUIREMENTS).name).keys()
    package = image.replace("-", "_")
    imported = {name.partition(".")[0] for each in ("shared", package) for name in modules_of(each)}
    missing = {
        name
        for name in imported - sys.stdlib_module_names - {"shared", package}
        if not there & {canonicalize_name(each) for each in DISTRIBUTIONS[name]}
    }
    assert not missing
