"""Whether an API server accepts manifests, makes all their pods, and is at rest afterwards."""

import json
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import yaml

from deploy.cluster.control_plane import Cluster, Object
from deploy.cluster.programs import ROOT

NAMESPACE = "barong"
_OWN_NAMESPACE = ROOT / "k8s" / "overlays" / "local" / "namespace.yaml"
_POD_SECONDS = 60.0
_CREATES_PODS = frozenset({"Deployment", "StatefulSet", "Job", "CronJob"})
_TO_TRY = "tried"
_HARMLESS = (
    # Made by `kubectl create`, and then applied: kubectl adds what it compares with.
    "missing the kubectl.kubernetes.io/last-applied-configuration",
    # Migration Jobs are named by release, with its dots: nobody asks for the hosts of their pods.
    "a DNS label is recommended: [must not contain dots]",
)


@dataclass(frozen=True, slots=True)
class Admission:
    """The result of applying manifests."""

    objects: int
    undefined: frozenset[str]
    """Kinds whose definitions cannot be had; their objects were left out."""
    pods: int


def objects_of(text: str) -> list[Object]:
    """The objects of a stream of YAML documents, with those of its Lists."""
    found: list[Object] = []
    for document in yaml.safe_load_all(text):
        if document is not None:
            found += document["items"] if document["kind"] == "List" else [document]
    return found


def admit(cluster: Cluster, manifests: str, secrets: str = "") -> Admission:
    """Applies manifests, and then once more; raises `AssertionError` for what is wrong.

    Wrong are an object that is refused, a warning (also of PodSecurity), a pod that a controller
    may not create, and a change by the second time. `secrets` is what
    `python3 -m deploy.make_secrets` prints; it is created in the namespace before. Manifests
    without a namespace, as Helm renders them, get that of the local overlay.
    """
    objects = objects_of(manifests)
    known = _known_kinds(cluster)
    undefined = frozenset(each["kind"] for each in objects if _kind(each) not in known)
    objects = [each for each in objects if _kind(each) in known]
    # As k8s/README.md does it: first the namespace, then the Secrets, then everything.
    namespaces = [each for each in objects if each["kind"] == "Namespace"]
    _apply(cluster, namespaces or objects_of(_OWN_NAMESPACE.read_text()))
    if secrets:
        cluster.kubectl("-n", NAMESPACE, "create", "-f", "-", text=secrets)
    _apply(cluster, objects)
    pods = _pods(cluster, objects)
    again = cluster.ask("-n", NAMESPACE, "diff", "-f", "-", text=_stream(objects))
    assert again.returncode == 0, f"a second apply would change\n{again.stdout}{again.stderr}"
    return Admission(len(objects), undefined, pods)


def _kind(each: Mapping[str, str]) -> tuple[str, str]:
    return each["apiVersion"], each["kind"]


def _known_kinds(cluster: Cluster) -> set[tuple[str, str]]:
    """By version and kind, as manifests name them."""
    lines = cluster.kubectl("api-resources", "--no-headers").splitlines()
    return {(line.split()[-3], line.split()[-1]) for line in lines}


def _apply(cluster: Cluster, objects: Sequence[Object]) -> None:
    done = cluster.ask("-n", NAMESPACE, "apply", "-f", "-", text=_stream(objects))
    assert done.returncode == 0, f"refused:\n{done.stderr}"
    warnings = [
        line
        for line in done.stderr.splitlines()
        if line and not any(harmless in line for harmless in _HARMLESS)
    ]
    assert not warnings, "warnings:\n" + "\n".join(warnings)


def _pods(cluster: Cluster, objects: Iterable[Object]) -> int:
    """How many pods the controllers made: one of each template at least, also of CronJobs."""
    wanted = [each for each in objects if each["kind"] in _CREATES_PODS]
    for each in wanted:
        if each["kind"] == "CronJob":
            name = each["metadata"]["name"]
            cluster.kubectl(
                "-n", NAMESPACE, "create", "job", f"--from=cronjob/{name}", f"{name}-{_TO_TRY}"
            )
    names = [
        f"{each['metadata']['name']}-{_TO_TRY}"
        if each["kind"] == "CronJob"
        else each["metadata"]["name"]
        for each in wanted
    ]
    end = time.monotonic() + _POD_SECONDS
    while True:
        pods = [each["metadata"]["name"] for each in cluster.list("pods", "-A")]
        missing = [n for n in names if not any(pod.startswith(f"{n}-") for pod in pods)]
        refused = _refusals(cluster)
        assert not refused, "pods that a controller may not create:\n" + "\n".join(refused)
        if not missing:
            return len(pods)
        assert time.monotonic() < end, f"no pods of {', '.join(missing)}"
        time.sleep(0.5)


def _refusals(cluster: Cluster) -> list[str]:
    events = cluster.list("events", "-A", "--field-selector", "reason=FailedCreate")
    return [each["message"] for each in events]


def _stream(objects: Sequence[Object]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})


def rendered(cluster: Cluster, folder: str) -> str:
    """What kustomize makes of a folder."""
    return cluster.kubectl("kustomize", folder)


def clear(cluster: Cluster, namespace: str = NAMESPACE) -> None:
    """Deletes a namespace with everything in it, and waits until it is gone."""
    # No kubelet confirms the end of a pod here.
    cluster.ask("-n", namespace, "delete", "pods", "--all", "--force", "--grace-period=0")
    cluster.ask("delete", "namespace", namespace, "--ignore-not-found", "--timeout=60s")


def explain(error: subprocess.CalledProcessError) -> str:
    """What a failed command said."""
    return (
        f"{' '.join(map(str, error.cmd[:4]))} … failed:\n{error.stdout or ''}{error.stderr or ''}"
    )
