"""The chart's files, made of what kustomize renders.

`k8s/base` says what there is, and `k8s/overlays/production` which pods need the certificate of
PostgreSQL's authority, and what Prometheus scrapes. Values stand where an overlay would patch.
"""

import copy
import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from deploy.helm.lines import Lines
from deploy.helm.values import defaults, schema
from deploy.manifests import render
from deploy.sbom import number_of

ROOT = Path(__file__).parents[2]
CHART = Path(__file__).parent / "barong"
WRITTEN = Path(__file__).parent / "written"
"""Templates that no manifest can be made into: values become them."""
Resource: TypeAlias = dict[str, Any]

MIGRATIONS = "barong-migrations"
"""The prefix of what the migration Jobs need before anything else is there."""

_NAME = "app.kubernetes.io/name"
_MADE = "{{- /* Made of k8s by `make chart`. */ -}}\n"
_POSTGRES, _RABBITMQ = 5432, 5672


@functools.cache
def chart() -> Mapping[str, str]:
    """The text of every file by its path in the chart. Raises StartError without kustomize."""
    base = _rendered("base")
    production = _rendered("overlays/production")
    templates = _templates(base, _verifying(production))
    templates["monitoring"] = _monitoring(production)
    return {
        "Chart.yaml": _head(),
        "values.yaml": defaults(base),
        "values.schema.json": json.dumps(schema(base), indent=1) + "\n",
        **{f"templates/{path.name}": path.read_text() for path in sorted(WRITTEN.iterdir())},
        **{f"templates/{name}.yaml": _MADE + text for name, text in sorted(templates.items())},
        "files/alerts.yaml": (ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text(),
        **{f"files/config/{name}": text for name, text in sorted(_config(base).items())},
    }


def _rendered(folder: str) -> list[Resource]:
    return list(yaml.safe_load_all(render(ROOT / "k8s" / folder)))


def _head() -> str:
    number = number_of(ROOT)
    return (
        "apiVersion: v2\n"
        "name: barong\n"
        "description: Identity, KYC and authorization for platforms behind one gateway.\n"
        "type: application\n"
        f"version: {number}\n"
        f"appVersion: {number}\n"
        'kubeVersion: ">=1.30.0-0"\n'
    )


def _config(base: Sequence[Resource]) -> Mapping[str, str]:
    """The files of deploy/config, as the ConfigMap of the base has them."""
    data: Mapping[str, str] = next(
        each["data"] for each in base if each["metadata"]["name"].startswith("barong-config-")
    )
    return data


def _pods(resource: Resource) -> Iterator[Resource]:
    match resource["kind"]:
        case "Deployment" | "Job":
            yield resource["spec"]["template"]
        case "CronJob":
            yield resource["spec"]["jobTemplate"]["spec"]["template"]


def _verifying(production: Sequence[Resource]) -> frozenset[tuple[str, str]]:
    """Labels and containers of the pods that have PostgreSQL's authority in production."""
    return frozenset(
        (pod["metadata"]["labels"][_NAME], container["name"])
        for each in production
        for pod in _pods(each)
        for container in _containers(pod)
        if any(mount["name"] == "postgres-ca" for mount in container["volumeMounts"])
    )


def _containers(pod: Resource) -> Sequence[Resource]:
    return [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]


def _templates(base: Sequence[Resource], verifying: frozenset[tuple[str, str]]) -> dict[str, str]:
    files: dict[str, str] = {}
    for resource in base:
        if resource["kind"] != "ConfigMap":  # made of values and files: settings.yaml
            for place, text in _template(copy.deepcopy(resource), verifying):
                files[place] = files.get(place, "") + text
    return files


def _template(made: Resource, verifying: frozenset[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The templates of an object, each with the name of its file."""
    lines = Lines()
    kind, name = made["kind"], made["metadata"]["name"]
    match kind, name:
        case "NetworkPolicy", _:
            yield "network", _policy(lines, made)
            if name == "jobs":  # an older release's policies may not know all migration Jobs
                yield "migrations", _policy(lines, _early(made, MIGRATIONS))
        case "ServiceAccount", "barong-jobs":
            yield "cronjobs", _finished(lines, made)
            yield "migrations", _finished(lines, _early(made, MIGRATIONS))
        case "HorizontalPodAutoscaler", _:
            for field in ("minReplicas", "maxReplicas"):
                made["spec"][field] = lines.value(f"{_service(name)}.{field}")
            yield f"service-{name}", _finished(lines, made)
        case "Deployment", _:
            (pod,) = _pods(made)
            _give_values(lines, pod, verifying, f"{_service(name)}.")
            # A new configuration replaces the pods, as a new name of a ConfigMap does in kustomize.
            pod["metadata"]["annotations"] = {
                "checksum/config": lines.value('include "barong.checksum" .')
            }
            yield f"service-{name}", _finished(lines, made)
        case "CronJob", _:
            (pod,) = _pods(made)
            _give_values(lines, pod, verifying, ".Values.jobs.")
            yield "cronjobs", _finished(lines, made)
        case "Job", _:
            (pod,) = _pods(made)
            _give_values(lines, pod, verifying, ".Values.jobs.")
            _name_early(pod)
            yield "migrations", _finished(lines, _early(made, name, weight=0))
        case _:
            service = made["metadata"].get("labels", {}).get(_NAME, name)
            yield f"service-{service}", _finished(lines, made)


def _service(name: str) -> str:
    return f'(index .Values.services "{name}")'


def _early(made: Resource, name: str, weight: int = -5) -> Resource:
    """The object as a hook of Helm's: it is there before everything that is no hook."""
    early = copy.deepcopy(made)
    early["metadata"]["name"] = name
    early["metadata"]["annotations"] = {
        "helm.sh/hook": "pre-install,pre-upgrade",
        "helm.sh/hook-weight": str(weight),
        "helm.sh/hook-delete-policy": "before-hook-creation",
    }
    return early


def _name_early(pod: Resource) -> None:
    """Lets a migration Job use what is there before it."""
    pod["spec"]["serviceAccountName"] = MIGRATIONS
    for each in (*pod["spec"]["volumes"], *_sources(pod)):
        if isinstance(each, dict):
            for key in ("configMap", "configMapRef"):
                if key in each:
                    old = each[key]["name"]
                    each[key]["name"] = old.replace("barong-", f"{MIGRATIONS}-", 1)


def _sources(pod: Resource) -> Iterator[Resource]:
    for container in _containers(pod):
        yield from container.get("envFrom", ())


def _give_values(
    lines: Lines, pod: Resource, verifying: frozenset[tuple[str, str]], values: str
) -> None:
    """Puts values where an overlay would patch a pod; `values` is where resources and env are."""
    service = pod["metadata"]["labels"][_NAME]
    spec = pod["spec"]
    for container in _containers(pod):
        image = container["image"].rpartition("/")[2].partition(":")[0]
        container["image"] = lines.value(f'include "barong.image" (list . "{image}") | quote')
        container[lines.lines('include "barong.pullPolicy" .')] = None
        container["resources"] = lines.block(f"{values}resources")
        if container.pop("env", None) or values != ".Values.jobs.":
            container[lines.lines(f'include "barong.env" {values.rstrip(".")}')] = None
        if (service, container["name"]) in verifying:
            container["volumeMounts"].append(lines.lines('include "barong.postgresCaMount" .'))
    for source in _sources(pod):
        if reference := source.get("configMapRef"):
            reference["name"] = _without_hash(reference["name"])
    for volume in spec["volumes"]:
        if reference := volume.get("configMap"):
            reference["name"] = _without_hash(reference["name"])
    if any(each == service for each, _ in verifying):
        spec["volumes"].append(lines.lines('include "barong.postgresCaVolume" .'))
    spec[lines.lines('include "barong.pullSecrets" .')] = None


def _without_hash(name: str) -> str:
    return name.rpartition("-")[0]


def _policy(lines: Lines, made: Resource) -> str:
    """A policy whose flows to PostgreSQL and RabbitMQ go to the peers of the values."""
    for rule in made["spec"].get("egress", ()):
        ports = [port["port"] for port in rule.get("ports", ())]
        for part, usual in (("postgres", _POSTGRES), ("rabbitmq", _RABBITMQ)):
            if ports == [usual]:
                rule["to"] = lines.block(f".Values.{part}.peers")
                rule["ports"] = [{"port": lines.value(f".Values.{part}.port")}]
    text = _finished(lines, made)
    return f"{{{{- if .Values.networkPolicies.enabled }}}}\n{text}{{{{- end }}}}\n"


def _monitoring(production: Sequence[Resource]) -> str:
    monitor = next(
        copy.deepcopy(each)
        for each in production
        if (each["kind"], each["metadata"]["name"]) == ("PodMonitor", "barong")
    )
    del monitor["metadata"]["namespace"]
    lines = Lines()
    rules = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "barong"},
        "spec": {lines.lines('.Files.Get "files/alerts.yaml"'): None},
    }
    text = _finished(Lines(), monitor) + _finished(lines, rules)
    return f"{{{{- if .Values.monitoring.enabled }}}}\n{text}{{{{- end }}}}\n"


def _finished(lines: Lines, made: Resource) -> str:
    """The template of an object, with the labels that Helm's charts have."""
    made = copy.deepcopy(made)
    labels = made["metadata"].setdefault("labels", {})
    labels[lines.lines('include "barong.labels" .')] = None
    return f"---\n{lines.finished(made)}"
