"""The Helm chart: made of the kustomize manifests, and rendered by Helm to the same objects."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.helm.__main__ import helm
from deploy.helm.chart import CHART, chart
from deploy.local.processes import StartError
from deploy.release.artefacts import chart_archive
from tests.deploy.manifests import NAME, SERVICES, environment, of_kind, workloads
from tests.deploy.test_schemas import VERSIONS, brought_by_operator
from tests.support.kustomize import Resource, rendered
from tests.support.system import ROOT

PRODUCTION = ROOT / "deploy" / "helm" / "production-values.yaml"
HOOK = "helm.sh/hook"
EARLY = "barong-migrations"
JOBS = "barong-jobs"
OF_HELM = {"helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/instance"}


def test_the_chart_is_what_the_manifests_make() -> None:
    there = {
        str(path.relative_to(CHART)): path.read_text()
        for path in CHART.rglob("*")
        if path.is_file()
    }
    assert there == chart(), "run `make chart`"


@pytest.fixture(scope="module")
def program() -> Path:
    try:
        return helm()
    except StartError as error:
        pytest.skip(f"Helm cannot be had here: {error}")


def run(
    program: Path, command: str, *arguments: str | Path, values: Mapping[str, Any] | None = None
) -> "subprocess.CompletedProcess[str]":
    given = ("--values", "-") if values is not None else ()
    name = ("barong",) if command == "template" else ()
    return subprocess.run(
        [program, command, *name, CHART, *arguments, *given],
        input=json.dumps(values) if values is not None else None,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def templated(
    program: Path, *arguments: str | Path, values: Mapping[str, Any] | None = None
) -> list[Resource]:
    done = run(program, "template", *arguments, values=values)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


@pytest.fixture(scope="module")
def plain(program: Path) -> list[Resource]:
    """The chart with its own values."""
    return templated(program)


@pytest.fixture(scope="module")
def production(program: Path) -> list[Resource]:
    return templated(program, "--values", PRODUCTION)


def test_helm_finds_no_fault(program: Path) -> None:
    for arguments in ((), ("--values", PRODUCTION)):
        done = run(program, "lint", "--strict", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "1 chart(s) linted, 0 chart(s) failed" in done.stdout


Key = tuple[str, str]


def compared(resources: Sequence[Resource]) -> dict[Key, Any]:
    """Objects without what the two tools do in ways of their own.

    Names of ConfigMaps end with a hash in kustomize; Helm has a checksum in pods instead. A Job has
    the release in its name; in Helm it is a hook, with copies of what it needs. Helm has labels.
    """
    made: dict[Key, Any] = {}
    maps = of_kind(resources, "ConfigMap")
    for resource in resources:
        kind, name = resource["kind"], resource["metadata"]["name"]
        if kind != "Job" and name.startswith(EARLY):
            continue
        text = json.dumps({key: resource.get(key) for key in ("spec", "data")})
        if kind == "Job":
            text = text.replace(
                f'"serviceAccountName": "{EARLY}"', f'"serviceAccountName": "{JOBS}"'
            )
            text = text.replace(f'"{EARLY}-', '"barong-')
        for each in maps:
            text = text.replace(f'"{each}"', f'"{without_suffix(each)}"')
        labels = {
            key: value
            for key, value in resource["metadata"].get("labels", {}).items()
            if key not in OF_HELM
        }
        plain_name = without_suffix(name) if kind in ("Job", "ConfigMap") else name
        made[kind, plain_name] = labels, in_order(json.loads(text))
    return made


def without_suffix(name: str) -> str:
    """The name of a ConfigMap without its hash, or of a Job without its release."""
    return "-".join(name.split("-")[:2])


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def in_order(value: Any) -> Any:
    """Lists of named things sorted by their names; no checksums."""
    if isinstance(value, dict):
        return {
            key: in_order(each)
            for key, each in value.items()
            if not (key == "annotations" and [*each] == ["checksum/config"])
        }
    if isinstance(value, list):
        items = [in_order(each) for each in value]
        return sorted(items, key=canonical) if all(isinstance(i, dict) for i in items) else items
    return value


def test_both_render_the_same_objects(plain: list[Resource]) -> None:
    assert compared(plain) == compared(rendered("k8s/base"))


def test_both_render_the_same_objects_for_production(production: list[Resource]) -> None:
    """But for the namespace, and PostgreSQL and RabbitMQ, which the chart does not bring."""
    ours = compared(production)
    theirs = compared(rendered("k8s/overlays/production"))
    assert {key: theirs[key] for key in ours} == ours
    missing = {kind for kind, _ in theirs.keys() - ours.keys()}
    assert missing == {
        *("Namespace", "Cluster", "ScheduledBackup", "ObjectStore"),
        *("RabbitmqCluster", "User", "Permission", "Vhost"),
        *("NetworkPolicy", "PodMonitor"),
    }
    brought = {name for kind, name in theirs.keys() - ours.keys() if kind == "NetworkPolicy"}
    assert brought == {"postgres", "rabbitmq"}


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_would_take_it(production: list[Resource], program: Path, version: str) -> None:
    way_in = {"enabled": True, "host": "api.example.com", "tlsSecret": "tls", "className": "nginx"}
    resources = [
        *production,
        *templated(program, "--show-only", "templates/ingress.yaml", values={"ingress": way_in}),
    ]
    assert [each for each in resources if each["kind"] == "Ingress"]
    for resource in resources:
        if not brought_by_operator(resource):
            kubernetes_validate.validate(resource, version, strict=True)


def hooks(resources: Sequence[Resource]) -> Iterator[Resource]:
    for resource in resources:
        if HOOK in resource["metadata"].get("annotations", {}):
            yield resource


def test_migrations_run_before_everything_else(production: list[Resource]) -> None:
    """What a hook refers to is a hook before it, or a Secret, which is there before the chart."""
    early = {
        (each["kind"], each["metadata"]["name"]): int(
            each["metadata"]["annotations"]["helm.sh/hook-weight"]
        )
        for each in hooks(production)
    }
    jobs = of_kind(production, "Job")
    assert {name for kind, name in early if kind == "Job"} == jobs.keys()
    assert len(jobs) >= 5
    for each in hooks(production):
        assert each["metadata"]["annotations"][HOOK] == "pre-install,pre-upgrade"
        assert (
            each["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation"
        )
    for name, job in jobs.items():
        pod = job["spec"]["template"]["spec"]
        needed = {("ServiceAccount", pod["serviceAccountName"])}
        needed |= {
            ("ConfigMap", v["configMap"]["name"]) for v in pod["volumes"] if "configMap" in v
        }
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            needed |= {
                ("ConfigMap", source["configMapRef"]["name"])
                for source in container["envFrom"]
                if "configMapRef" in source
            }
        assert len(needed) == 3
        assert all(early[each] < early["Job", name] for each in needed)
    policy = of_kind(production, "NetworkPolicy")[EARLY]["spec"]
    selected = policy["podSelector"]["matchExpressions"][0]["values"]
    assert {each["spec"]["template"]["metadata"]["labels"][NAME] for each in jobs.values()} <= {
        *selected
    }
    assert policy == of_kind(production, "NetworkPolicy")["jobs"]["spec"]


def test_copies_for_migrations_say_the_same(production: list[Resource]) -> None:
    maps = of_kind(production, "ConfigMap")
    for what in ("settings", "config"):
        assert maps[f"{EARLY}-{what}"]["data"] == maps[f"barong-{what}"]["data"]


VALUES: Mapping[str, Any] = {
    "image": {
        "registry": "registry.example.com:5000",
        "repository": "team/barong",
        "tag": "1.2.3-rc.1",
        "pullPolicy": "Always",
        "pullSecrets": ["registry"],
    },
    "settings": {"BARONG_LOG_LEVEL": "debug", "BARONG_SMTP_PORT": "0587"},
    "config": {"levels.yaml": "- {key: email, value: verified}\n# {{ not a template }}\n"},
    "services": {
        "identity-svc": {
            "minReplicas": 5,
            "maxReplicas": 50,
            "env": {"BARONG_PASSWORD_HASH_THREADS": "3"},
        },
        "mailer-svc": {
            "resources": {"limits": {"memory": "1Gi"}},
            "env": {"BARONG_LOG_LEVEL": "info"},
        },
    },
    "jobs": {"resources": {"limits": {"memory": "2Gi"}}},
    "postgres": {"peers": [{"ipBlock": {"cidr": "192.0.2.10/32"}}], "port": 6432},
    "rabbitmq": {"peers": [{"ipBlock": {"cidr": "192.0.2.20/32"}}], "port": 5671},
    "ingress": {"enabled": True, "host": "api.example.com", "annotations": {"a/b": "true"}},
}


@pytest.fixture(scope="module")
def changed(program: Path) -> list[Resource]:
    return templated(program, values=VALUES)


def test_values_are_where_they_belong(changed: list[Resource], plain: list[Resource]) -> None:
    for workload in workloads(changed):
        assert workload.pod["imagePullSecrets"] == [{"name": "registry"}]
        for container in workload.containers:
            assert container["image"].startswith("registry.example.com:5000/team/barong/")
            assert container["image"].endswith(":1.2.3-rc.1")
            assert container["imagePullPolicy"] == "Always"
            if workload.kind != "Deployment":
                assert container["resources"]["limits"]["memory"] == "2Gi"
                assert container["resources"]["requests"]["memory"] == "96Mi"  # as it was
    deployments = {each.name: each for each in workloads(changed) if each.kind == "Deployment"}
    assert deployments.keys() == {*SERVICES}

    def told(name: str) -> Mapping[str, str]:
        (container,) = deployments[name].containers
        secrets: dict[str, dict[str, str]] = {each: {} for each in SERVICES}
        return environment(changed, container, secrets)

    assert told("identity-svc")["BARONG_PASSWORD_HASH_THREADS"] == "3"
    assert told("identity-svc")["BARONG_LOG_LEVEL"] == "debug"
    assert told("mailer-svc")["BARONG_LOG_LEVEL"] == "info"
    assert told("mailer-svc")["BARONG_SMTP_PORT"] == "0587"
    assert told("mailer-svc")["BARONG_ENV"] == "production"  # of the chart
    scaled = of_kind(changed, "HorizontalPodAutoscaler")["identity-svc"]["spec"]
    assert (scaled["minReplicas"], scaled["maxReplicas"]) == (5, 50)
    config = of_kind(changed, "ConfigMap")["barong-config"]["data"]
    assert config["levels.yaml"] == VALUES["config"]["levels.yaml"]
    assert config["routes.yaml"] == (ROOT / "deploy" / "config" / "routes.yaml").read_text()
    (host,) = of_kind(changed, "Ingress")["authz-gateway"]["spec"]["rules"]
    assert host["host"] == "api.example.com"
    assert not of_kind(plain, "Ingress")


def test_a_new_configuration_replaces_the_pods(
    changed: list[Resource], plain: list[Resource]
) -> None:
    def checksums(resources: Sequence[Resource]) -> set[str]:
        return {
            each.template["metadata"]["annotations"]["checksum/config"]
            for each in workloads(resources)
            if each.kind == "Deployment"
        }

    assert len(checksums(plain)) == 1
    assert len(checksums(plain) | checksums(changed)) == 2


def test_policies_let_services_reach_what_is_outside(changed: list[Resource]) -> None:
    policies = of_kind(changed, "NetworkPolicy")
    to = {
        (peer["ipBlock"]["cidr"], port["port"])
        for name in ("identity-svc", "jobs", EARLY)
        for rule in policies[name]["spec"]["egress"]
        for peer in rule["to"]
        if "ipBlock" in peer and "except" not in peer["ipBlock"]
        for port in rule["ports"]
    }
    assert to == {("192.0.2.10/32", 6432), ("192.0.2.20/32", 5671)}


def test_policies_can_be_left_out(program: Path) -> None:
    without = templated(program, values={"networkPolicies": {"enabled": False}})
    assert not of_kind(without, "NetworkPolicy")
    assert of_kind(without, "Deployment").keys() == {*SERVICES}


@pytest.mark.parametrize(
    ("values", "at"),
    [
        ({"settigns": {}}, "settigns"),
        ({"settings": {"DATABASE_URL": "postgresql://…"}}, "DATABASE_URL"),
        ({"settings": {"BARONG_SERVICE_KEYS": "k1:…"}}, "BARONG_SERVICE_KEYS"),
        ({"settings": {"BARONG_SMTP_PASSWORD": "secret"}}, "BARONG_SMTP_PASSWORD"),
        ({"settings": {"BARONG_SMTP_PORT": 587}}, "/settings/BARONG_SMTP_PORT"),
        ({"settings": {"not-a-variable": "x"}}, "not-a-variable"),
        ({"config": {"level.yaml": ""}}, "level.yaml"),
        ({"services": {"identity": {}}}, "identity"),
        ({"services": {"mailer-svc": {"minReplicas": 0}}}, "/services/mailer-svc/minReplicas"),
        ({"image": {"tag": "a b"}}, "/image/tag"),
        ({"image": {"pullPolicy": "Sometimes"}}, "/image/pullPolicy"),
        ({"postgres": {"port": 65536}}, "/postgres/port"),
        ({"postgres": {"peers": []}}, "/postgres/peers"),
        ({"rabbitmq": {"peers": [{}]}}, "/rabbitmq/peers/0"),
        ({"ingress": {"enabled": True}}, "/ingress/host"),
        ({"monitoring": {"enabled": "yes"}}, "/monitoring/enabled"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_that_mean_nothing_are_refused(
    program: Path, values: Mapping[str, Any], at: str
) -> None:
    done = run(program, "template", values=values)
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr
    assert at in done.stderr


def test_helm_reads_the_chart_of_a_release(program: Path, tmp_path: Path) -> None:
    archive = tmp_path / "barong-1.2.3.tgz"
    archive.write_bytes(chart_archive(CHART, "1.2.3", 0))
    done = subprocess.run(
        [program, "template", "barong", archive], capture_output=True, text=True, check=True
    )
    images = {
        container["image"]
        for workload in workloads([each for each in yaml.safe_load_all(done.stdout) if each])
        for container in workload.containers
    }
    assert {image.rpartition(":")[2] for image in images} == {"1.2.3"}
