"""What manifests tell the services is what the services can be told, and enough of it."""

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from admin_svc.settings import AdminSettings
from authz_gateway.settings import GatewaySettings
from console_svc.settings import ConsoleSettings
from identity_svc.settings import IdentitySettings
from mailer_svc.settings import MailerSettings
from oauth_svc.settings import OAuthSettings
from resource_svc.settings import ResourceSettings
from shared.settings import ProcessSettings, ServiceSettings, SettingsError, load_settings
from tests.deploy.manifests import (
    BACKED,
    OVERLAYS,
    SERVICES,
    Workload,
    environment,
    of_kind,
    started_by,
    workloads,
)
from tests.support.kustomize import rendered
from tests.support.system import ROOT
from webhooks_svc.settings import WebhooksSettings

DECLARATIONS: dict[str, type[ProcessSettings]] = {
    "identity-svc": IdentitySettings,
    "resource-svc": ResourceSettings,
    "admin-svc": AdminSettings,
    "authz-gateway": GatewaySettings,
    "mailer-svc": MailerSettings,
    "webhooks-svc": WebhooksSettings,
    "console-svc": ConsoleSettings,
    "oauth-svc": OAuthSettings,
}
# What operators get from others; k8s/README.md says into which Secrets they put it.
PROVIDERS = {
    "resource-svc-providers": {
        "BARONG_TWILIO_ACCOUNT_SID": "AC0",
        "BARONG_TWILIO_AUTH_TOKEN": "token",
        "BARONG_STORAGE_ACCESS_KEY": "key",
        "BARONG_STORAGE_SECRET_KEY": "secret",
    },
    "mailer-svc-providers": {"BARONG_SMTP_USER": "user", "BARONG_SMTP_PASSWORD": "password"},
}
BACKUPS = {"postgres-backups": {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret"}}

OURS = [
    pytest.param(overlay, workload, id=f"{overlay.rpartition('/')[2]} {workload}")
    for overlay in OVERLAYS
    for workload in workloads(rendered(overlay))
    if workload.ours
]
each_of_ours = pytest.mark.parametrize(("overlay", "workload"), OURS)


def variables(declaration: type[ProcessSettings]) -> set[str]:
    """Every variable that a service knows."""
    return {field.metadata["variable"] for field in dataclasses.fields(declaration)}


EVERY_VARIABLE = set().union(*map(variables, DECLARATIONS.values()))


@pytest.fixture(scope="module")
def secrets() -> dict[str, dict[str, dict[str, str]]]:
    """By overlay and name, the Secrets that our command makes."""
    return {f"k8s/overlays/{name}": made_for(name) for name in ("local", "production")}


def made_for(target: str) -> dict[str, dict[str, str]]:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.make_secrets", target],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    items = json.loads(done.stdout)["items"]
    return {item["metadata"]["name"]: item["stringData"] for item in items}


@each_of_ours
def test_a_service_could_start_with_this(
    overlay: str,
    workload: Workload,
    secrets: Mapping[str, Mapping[str, Mapping[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    providers = PROVIDERS if overlay.endswith("production") else {}
    for container in workload.containers:
        given = environment(rendered(overlay), container, {**secrets[overlay], **providers})
        service, _ = started_by(container["image"], container["args"])
        settings = load_settings(DECLARATIONS[service], given)
        assert settings.production is overlay.endswith("production")
        if isinstance(settings, ServiceSettings):
            assert settings.broker_url.startswith("amqp://")
            urls = {
                each.name: getattr(settings, each.name)
                for each in dataclasses.fields(settings)
                if each.name.endswith("_internal_url")
            }
            services = of_kind(rendered(overlay), "Service")
            for name, url in urls.items():
                host = f"{name.removesuffix('_internal_url')}-svc-internal"
                assert url == f"http://{host}:9080"
                assert host in services


def test_production_without_what_others_give_does_not_start(
    secrets: Mapping[str, Mapping[str, Mapping[str, str]]],
) -> None:
    overlay = "k8s/overlays/production"
    deployment = of_kind(rendered(overlay), "Deployment")["resource-svc"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    given = environment(rendered(overlay), container, secrets[overlay])
    with pytest.raises(SettingsError) as raised:
        load_settings(ResourceSettings, given)
    assert [fault.partition(":")[0] for fault in raised.value.faults] == [
        "BARONG_TWILIO_ACCOUNT_SID",
        "BARONG_TWILIO_AUTH_TOKEN",
    ]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_variable_is_one_that_a_service_knows(overlay: str) -> None:
    resources = rendered(overlay)
    named = {
        key
        for name, settings in of_kind(resources, "ConfigMap").items()
        if name.startswith("barong-settings")
        for key in settings["data"]
    }
    for workload in workloads(resources):
        if workload.ours:
            named |= {v["name"] for each in workload.containers for v in each.get("env", ())}
    assert named <= EVERY_VARIABLE
    assert {key for values in PROVIDERS.values() for key in values} <= EVERY_VARIABLE


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_secrets_are_referred_to_and_made_elsewhere(
    overlay: str, secrets: Mapping[str, Mapping[str, Mapping[str, str]]]
) -> None:
    resources = rendered(overlay)
    assert of_kind(resources, "Secret") == {}
    made = {**secrets[overlay], **BACKUPS}
    referred = set(_references(resources))
    unmade = {name for name, optional in referred if not optional and name not in made}
    # Of the authority's Secret CloudNativePG itself is the maker.
    assert unmade == ({"postgres-ca"} if overlay.endswith("production") else set())
    assert {name for name, optional in referred if optional} == {
        "identity-svc-providers",
        "resource-svc-providers",
        "mailer-svc-providers",
    }
    assert set(made) - {name for name, _ in referred} - set(BACKUPS) == set()


def _references(found: object) -> list[tuple[str, bool]]:
    """Every Secret that is named somewhere, and whether it may be absent."""
    if isinstance(found, list | tuple):
        return [reference for each in found for reference in _references(each)]
    if not isinstance(found, dict):
        return []
    made = []
    for key, value in found.items():
        if key in ("secretRef", "secret", "passwordSecret", "importCredentialsSecret"):
            name = value.get("secretName") or value["name"]
            made.append((name, value.get("optional", False)))
        elif key in ("accessKeyId", "secretAccessKey"):
            made.append((value["name"], False))
        else:
            made += _references(value)
    return made


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_setting_is_a_secret(overlay: str) -> None:
    told = {
        variable
        for declaration in DECLARATIONS.values()
        for variable in variables(declaration)
        if variable.endswith(("_KEY", "_KEYS", "_PASSWORD", "_TOKEN", "_URL"))
        and not variable.endswith(("_INTERNAL_URL", "_PUBLIC_URL", "_SITE_KEY"))
        and not variable.startswith(("BARONG_TWILIO_URL", "BARONG_TWILIO_VERIFY_URL"))
    }
    for name, settings in of_kind(rendered(overlay), "ConfigMap").items():
        if name.startswith("barong-settings"):
            assert not told & set(settings["data"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_uploads_wait_on_a_disk_with_room_for_all(
    overlay: str, secrets: Mapping[str, Mapping[str, Mapping[str, str]]]
) -> None:
    pod = of_kind(rendered(overlay), "Deployment")["resource-svc"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    given = environment(rendered(overlay), container, {**secrets[overlay], **PROVIDERS})
    settings = load_settings(ResourceSettings, given)
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    disk = volumes[mounts[settings.upload_spool_folder]]["emptyDir"]
    assert disk.keys() == {"sizeLimit"}  # a `medium` would be memory
    room = int(disk["sizeLimit"].removesuffix("Mi"))
    assert room > settings.upload_spool_megabytes


def test_two_installations_have_nothing_in_common(
    secrets: Mapping[str, Mapping[str, Mapping[str, str]]],
) -> None:
    again = made_for("production")
    once = secrets["k8s/overlays/production"]
    for name in BACKED:
        for key, value in once[name].items():
            assert again[name][key] != value, key
    assert once["identity-svc"]["BARONG_MASTER_KEYS"] != once["resource-svc"]["BARONG_MASTER_KEYS"]
    assert len({once[name]["BARONG_SERVICE_KEYS"] for name in BACKED}) == 1


def test_the_configuration_is_that_of_this_repository() -> None:
    folder = ROOT / "deploy" / "config"
    for overlay in OVERLAYS:
        maps = of_kind(rendered(overlay), "ConfigMap")
        (config,) = (each for name, each in maps.items() if name.startswith("barong-config-"))
        assert config["data"] == {
            file.name: file.read_text()
            for file in folder.iterdir()
            if file.name != "kustomization.yaml"
        }
        for workload in workloads(rendered(overlay)):
            if workload.ours:
                (volume,) = (v for v in workload.pod["volumes"] if v["name"] == "config")
                assert volume["configMap"]["name"] == config["metadata"]["name"]
                for container in workload.containers:
                    mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
                    assert mounts["config"] == "/etc/barong"  # the image's BARONG_CONFIG_DIR


_DEFAULTS = re.compile(r"\$\{\w+:-([^}]*)\}")
"""Where compose puts a variable of the operator's, or else this."""


def test_compose_tells_services_what_they_know(tmp_path: Path) -> None:
    """With the env files that the command makes, in a copy."""
    stack = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    files = compose_secrets(tmp_path)
    started = 0
    for part in stack["services"].values():
        if not part["image"].startswith("barong/") or "environment" not in part:
            continue
        given = {k: _DEFAULTS.sub(r"\1", str(v)) for k, v in part["environment"].items()}
        for path in part.get("env_file", ()):
            given |= files[path]
        name, _ = started_by(part["image"], part.get("command", ["serve"]))
        assert set(part["environment"]) <= EVERY_VARIABLE
        load_settings(DECLARATIONS[name], given)
        started += 1
    assert started == len(SERVICES) + 8


def compose_secrets(folder: Path) -> dict[str, dict[str, str]]:
    """The env files, by their names in compose.yaml, having looked at who may read them."""
    copy = folder / "deploy"
    (copy / "local").mkdir(parents=True)
    for part in ("make_secrets.py", "local/private_files.py"):
        (copy / part).write_text((ROOT / "deploy" / part).read_text())
    command = [sys.executable, "-m", "deploy.make_secrets", "compose"]
    subprocess.run(command, cwd=folder, check=True, timeout=60)
    assert (copy / "secrets").stat().st_mode & 0o077 == 0
    before = {file: file.read_text() for file in (copy / "secrets").iterdir()}
    again = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=60)
    assert again.returncode == 1
    assert b"not replaced" in again.stderr
    assert {file: file.read_text() for file in (copy / "secrets").iterdir()} == before
    return {
        f"secrets/{file.name}": dict(line.split("=", 1) for line in text.splitlines())
        for file, text in before.items()
        if file.suffix == ".env"
    }
