"""Every command that a manifest names is one that the code has."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.deploy.manifests import OVERLAYS, of_kind, started_by, workloads
from tests.support.kustomize import rendered
from tests.support.system import ROOT


def named() -> set[tuple[str, str]]:
    """Services and what they are told to do, in manifests and in the compose file."""
    stack = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"].values()
    told = [
        started_by(container["image"], container["args"])
        for overlay in OVERLAYS
        for workload in workloads(rendered(overlay))
        if workload.ours
        for container in workload.containers
    ] + [
        started_by(part["image"], part.get("command", ["serve"]))
        for part in stack
        if part["image"].startswith("barong/") and "entrypoint" not in part
    ]
    assert all(arguments[1:2] in ([], ["--wait"]) for _, arguments in told)
    return {(service, arguments[0]) for service, arguments in told}


def documented() -> set[tuple[str, str]]:
    """Services and the commands that operators are told to run in them."""
    kubernetes = (ROOT / "k8s" / "README.md").read_text()
    compose = (ROOT / "deploy" / "README.md").read_text()
    return {
        *re.findall(r"exec deploy/(\S+) -- /app/barong ([a-z-]+)", kubernetes),
        *re.findall(r"run --rm (\S+-svc) ([a-z-]+)", compose),
    }


@pytest.mark.parametrize(("service", "command"), sorted(named() | documented()))
def test_the_command_exists(service: str, command: str) -> None:
    package = service.replace("-", "_")
    # The image of migrations has nothing else of a service.
    module = f"{package}.schema" if command == "migrate" else package
    done = subprocess.run(
        [sys.executable, "-P", "-m", module, command, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert command in done.stdout


def test_what_has_its_time_is_done() -> None:
    assert named() >= {
        ("identity-svc", "migrate"),
        ("resource-svc", "migrate"),
        ("admin-svc", "migrate"),
        ("mailer-svc", "migrate"),
        ("identity-svc", "seed"),
        ("admin-svc", "seed"),
        ("identity-svc", "rotate-keys"),
        ("identity-svc", "erase"),
        ("admin-svc", "partitions"),
    }


def test_jobs_that_operators_start_exist() -> None:
    told = re.findall(r"--from=cronjob/(\S+)", (ROOT / "k8s" / "README.md").read_text())
    assert told
    assert set(told) <= of_kind(rendered("k8s/overlays/production"), "CronJob").keys()
    assert len(documented()) >= 3
