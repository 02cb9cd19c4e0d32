"""Questions to rendered manifests: what runs, with what in its environment, and who may call it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.kustomize import Resource

BACKED = (
    *("authz-gateway", "identity-svc", "resource-svc", "admin-svc"),
    *("mailer-svc", "webhooks-svc", "oauth-svc"),
)
"""The services that meet by events and internal APIs, for which they have secrets."""
SERVICES = (*BACKED, "console-svc")
OVERLAYS = ("k8s/overlays/local", "k8s/overlays/production")
NAME = "app.kubernetes.io/name"


@dataclass(frozen=True, slots=True)
class Workload:
    """Something that makes pods: its kind, its name and the pods' template."""

    kind: str
    name: str
    template: Mapping[str, Any]

    @property
    def pod(self) -> Mapping[str, Any]:
        spec: Mapping[str, Any] = self.template["spec"]
        return spec

    @property
    def labels(self) -> Mapping[str, str]:
        labels: Mapping[str, str] = self.template["metadata"]["labels"]
        return labels

    @property
    def containers(self) -> Sequence[Mapping[str, Any]]:
        return [*self.pod.get("initContainers", ()), *self.pod["containers"]]

    @property
    def ours(self) -> bool:
        return self.labels.get("app.kubernetes.io/part-of") == "barong"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def workloads(resources: Sequence[Resource]) -> list[Workload]:
    """Everything that makes pods."""
    return [
        Workload(resource["kind"], resource["metadata"]["name"], template)
        for resource in resources
        for template in _templates(resource)
    ]


def _templates(resource: Resource) -> Iterator[Mapping[str, Any]]:
    match resource["kind"]:
        case "Deployment" | "StatefulSet" | "DaemonSet" | "Job":
            yield resource["spec"]["template"]
        case "CronJob":
            yield resource["spec"]["jobTemplate"]["spec"]["template"]


def of_kind(resources: Sequence[Resource], kind: str) -> dict[str, Resource]:
    """All resources of a kind by their names."""
    return {each["metadata"]["name"]: each for each in resources if each["kind"] == kind}


def environment(
    resources: Sequence[Resource],
    container: Mapping[str, Any],
    secrets: Mapping[str, Mapping[str, str]],
) -> dict[str, str]:
    """The environment that Kubernetes would give to a container, were these the Secrets.

    Raises KeyError for a ConfigMap or Secret that there is not.
    """
    settings = of_kind(resources, "ConfigMap")
    made: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        if "configMapRef" in source:
            made |= settings[source["configMapRef"]["name"]]["data"]
            continue
        reference = source["secretRef"]
        if reference["name"] in secrets or not reference.get("optional"):
            made |= secrets[reference["name"]]
    return made | {each["name"]: each["value"] for each in container.get("env", ())}


MIGRATIONS = "migrations"
"""The image that migrates the schemas of all services."""


def name_of(image: str) -> str:
    """The name of an image: its repository's last part."""
    return image.rpartition("/")[2].partition(":")[0]


def started_by(image: str, arguments: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The service that runs in a container, and its arguments."""
    name = name_of(image)
    return (arguments[0], arguments[1:]) if name == MIGRATIONS else (name, arguments)
