"""The compose file: whole, in order, and closed to the outside."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy import dockerfile
from tests.deploy.manifests import BACKED, MIGRATIONS, SERVICES, name_of
from tests.deploy.test_settings import compose_secrets
from tests.support import programs
from tests.support.system import ROOT

FILE = ROOT / "deploy" / "compose.yaml"
STACK: dict[str, Any] = yaml.safe_load(FILE.read_text())
PARTS: dict[str, dict[str, Any]] = STACK["services"]
OURS = {name: part for name, part in PARTS.items() if part["image"].startswith("barong/")}
JOBS = {name for name, part in PARTS.items() if part["restart"] == "no"}
DEPENDENCIES = {name: part.get("depends_on", {}) for name, part in PARTS.items()}


def test_it_is_the_whole_system() -> None:
    assert PARTS.keys() - JOBS == {
        *SERVICES,
        "postgres",
        "rabbitmq",
        "mail",
        "prometheus",
        "grafana",
    }
    for name in SERVICES:
        assert name_of(PARTS[name]["image"]) == name


def test_both_composes_read_it() -> None:
    extensions = {key for key in STACK if key.startswith("x-")}
    assert STACK.keys() - extensions == {"services", "networks", "volumes"}  # no name, no version
    for name, part in OURS.items():
        assert set(part["build"]) == {"context", "dockerfile", "args"}, name  # no secrets
        assert part["build"]["args"]["SERVICE"] == name_of(part["image"])
        assert (FILE.parent / part["build"]["context"] / part["build"]["dockerfile"]).samefile(
            dockerfile.FILE
        )


def test_images_say_their_versions() -> None:
    for part in PARTS.values():
        repository, _, tag = part["image"].partition(":")
        assert repository
        assert tag not in ("", "latest")


@pytest.mark.parametrize("name", sorted(PARTS.keys() - JOBS))
def test_what_runs_is_health_checked(name: str) -> None:
    if name in OURS:
        assert "healthcheck" not in PARTS[name]  # the image has one
    else:
        assert PARTS[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", sorted(JOBS))
def test_a_job_is_waited_for_to_its_end(name: str) -> None:
    assert PARTS[name]["healthcheck"] == {"disable": True}
    waiting = [needs[name]["condition"] for needs in DEPENDENCIES.values() if name in needs]
    assert waiting
    assert set(waiting) == {"service_completed_successfully"}


@pytest.mark.parametrize(
    "database", ["identity", "resource", "admin", "mailer", "webhooks", "oauth"]
)
def test_schemas_come_before_services(database: str) -> None:
    service, job = DEPENDENCIES[f"{database}-svc"], f"{database}-migrate"
    assert service[job]["condition"] == "service_completed_successfully"
    assert service["postgres"] == service["rabbitmq"] == {"condition": "service_healthy"}
    assert DEPENDENCIES[job] == {"postgres": {"condition": "service_healthy"}}
    assert name_of(PARTS[job]["image"]) == MIGRATIONS
    assert PARTS[job]["command"] == [f"{database}-svc", "migrate"]


def test_the_gateway_opens_last() -> None:
    gateway = DEPENDENCIES["authz-gateway"]
    for name in ("identity-svc", "resource-svc", "admin-svc"):
        assert gateway[name] == {"condition": "service_healthy"}
    for name in ("identity-seed", "admin-seed"):
        assert gateway[name] == {"condition": "service_completed_successfully"}


def test_only_four_ports_are_published_and_only_to_this_machine() -> None:
    published = {name: part["ports"] for name, part in PARTS.items() if "ports" in part}
    assert published.keys() == {"authz-gateway", "mail", "prometheus", "grafana"}
    for ports in published.values():
        (port,) = ports
        assert port.startswith("127.0.0.1:")
        assert not port.endswith(":9080")
    assert STACK["networks"]["inside"]["internal"] is True
    for name, part in PARTS.items():
        if "network_mode" in part:
            assert part["network_mode"] == "none"
        else:
            # Endpoints of webhooks are outside.
            outside = name in published or name in ("webhooks-svc", "oauth-svc")
            expected = ["edge", "inside"] if outside else ["inside"]
            assert part["networks"] == expected, name


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_do_nothing(name: str) -> None:
    part = OURS[name]
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"]
    if name == "uploads-owner":
        assert part["cap_add"] == ["CHOWN"]
        return
    assert "user" not in part  # the image's
    assert "cap_add" not in part
    assert part["security_opt"] == ["no-new-privileges:true"]


def test_secrets_are_files_that_git_ignores(tmp_path: Path) -> None:
    files = compose_secrets(tmp_path)
    named = {path for part in PARTS.values() for path in part.get("env_file", ())}
    assert named == files.keys()
    assert "deploy/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    secret = {key for values in files.values() for key in values} - {"POSTGRES_USER", "POSTGRES_DB"}
    for part in PARTS.values():
        assert not secret & set(part.get("environment", {}))
    for name in BACKED:  # to each its own
        assert f"secrets/{name}.env" in PARTS[name]["env_file"]
        assert len(PARTS[name]["env_file"]) == 1


def test_mounted_files_exist() -> None:
    for part in PARTS.values():
        for volume in part.get("volumes", ()):
            source = volume.split(":")[0]
            if not source.startswith("./"):
                assert source in STACK["volumes"]
            elif not source.startswith("./secrets/"):
                assert (FILE.parent / source).is_file()


def test_uploads_wait_on_a_disk() -> None:
    part = PARTS["resource-svc"]
    mounts = dict(volume.split(":")[::-1] for volume in part["volumes"])
    assert mounts[part["environment"]["BARONG_UPLOAD_SPOOL_FOLDER"]] in STACK["volumes"]


def test_prometheus_asks_every_service() -> None:
    jobs = yaml.safe_load((FILE.parent / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    targets = {
        target
        for job in jobs
        for each in job["static_configs"]
        for target in each["targets"]
        if job["job_name"] == "barong"
    }
    assert targets == {f"{name}:9080" for name in SERVICES}


def test_compose_itself_takes_it(tmp_path: Path) -> None:
    program = programs.compose()
    compose_secrets(tmp_path)
    shutil.copy(FILE, tmp_path / "deploy")
    done = subprocess.run(
        [program.file, "--file", tmp_path / "deploy/compose.yaml", "config"],
        env={"PATH": os.defpath, "HOME": str(tmp_path), **program.env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = yaml.safe_load(done.stdout)["services"]
    assert read.keys() == PARTS.keys()
    password = read["postgres"]["environment"]["IDENTITY_DATABASE_PASSWORD"]
    assert password in read["identity-svc"]["environment"]["DATABASE_URL"]
