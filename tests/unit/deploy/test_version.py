"""One version for everything, and the commit that a clone is at."""

from importlib import metadata
from pathlib import Path

import pytest

from deploy.local.environment import commit
from shared.version import VERSION
from tests.support.local_stack import git

PACKAGES = (
    "barong-shared",
    "identity-svc",
    "resource-svc",
    "admin-svc",
    "authz-gateway",
    "mailer-svc",
    "webhooks-svc",
    "console-svc",
    "oauth-svc",
)


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_have_the_one_version(package: str) -> None:
    assert metadata.version(package) == VERSION


def test_the_commit_of_a_clone(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "First")
    assert commit(tmp_path) == git(tmp_path, "rev-parse", "HEAD")


def test_a_folder_in_a_clone_of_something_else_has_no_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "First")
    inner = tmp_path / "barong"
    inner.mkdir()
    assert commit(inner) is None


def test_a_clone_without_a_commit_and_a_folder_outside_any_have_none(tmp_path: Path) -> None:
    assert commit(tmp_path) is None
    git(tmp_path, "init", "--quiet")
    assert commit(tmp_path) is None
