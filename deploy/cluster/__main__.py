"""A real Kubernetes on this machine: `make cluster` and `make cluster-drill`.

    python -m deploy.cluster                 overlays and chart admitted by API server, controllers
    python -m deploy.cluster apply FILE…     the same for manifests of yours; `-` is the input
    python -m deploy.cluster node [FILE…]    a cluster with nodes, until Ctrl-C
    python -m deploy.cluster drill           what users notice while everything is replaced

Ends with 0 also where no cluster can be had: it then says so. A fault of the manifests or of what
they run ends it with 1.
"""

import argparse
import asyncio
import math
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from deploy.cluster.admission import (
    NAMESPACE,
    admit,
    clear,
    explain,
    objects_of,
    rendered,
)
from deploy.cluster.control_plane import Cluster, control_plane
from deploy.cluster.drill import Drill, Row, table
from deploy.cluster.node import nodes, provide_volumes, publish_names
from deploy.cluster.pod_logs import kept_logs
from deploy.cluster.programs import ROOT, NoClusterError, definitions, needs_root
from deploy.cluster.releases import (
    apply,
    overlay,
    previous_release,
    release_of,
    save_images,
    this_release,
)
from deploy.helm.__main__ import helm
from deploy.helm.chart import CHART
from deploy.local.processes import StartError

OVERLAYS = ("local", "production")
CHARTS: Mapping[str, Sequence[str | Path]] = {
    "helm/barong": (),
    "helm/barong, production": ("--values", CHART.parent / "production-values.yaml"),
}
"""The chart with its own values, and with those that mean what overlays/production says."""
_PAGE = ROOT / "docs" / "operators" / "cluster.md"
_BEGIN, _END = "<!-- drill -->", "<!-- /drill -->"


def main() -> None:
    """Does what the first argument says."""
    parser = argparse.ArgumentParser(prog="python -m deploy.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    applying = commands.add_parser("apply", help="admit manifests of yours")
    applying.add_argument("manifests", nargs="+", help="a file, a folder of *.yaml, or -")
    applying.add_argument(
        "--secrets", choices=OVERLAYS, help="make these Secrets before (deploy.make_secrets)"
    )
    holding = commands.add_parser("node", help="a cluster with nodes, until Ctrl-C")
    holding.add_argument("manifests", nargs="*", help="what to apply; else the local overlay")
    drilling = commands.add_parser("drill", help="what users notice while everything is replaced")
    drilling.add_argument("--previous", help="the commit of the previous release")
    drilling.add_argument("--release", help="the commit of the release; else this tree")
    drilling.add_argument("--rate", type=float, default=5.0, help="calls a second")
    drilling.add_argument("--only", default="", help="a regular expression for names of phases")
    drilling.add_argument(
        "--minutes", type=float, default=math.inf, help="begin no phase after so long under load"
    )
    drilling.add_argument("--write", action="store_true", help=f"write the table into {_PAGE.name}")
    given = parser.parse_args()
    # So that what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("cluster: ended by SIGTERM"))
    try:
        needs_root()
        if given.command == "apply":
            _apply(_read(given.manifests), given.secrets)
        elif given.command == "node":
            _hold(_read(given.manifests))
        elif given.command == "drill":
            _drill(given)
        else:
            _admit()
    except (NoClusterError, StartError) as error:
        print(f"cluster: not here: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(explain(error))
    except AssertionError as error:
        sys.exit(f"cluster: {error}")


def _admit() -> None:
    made = definitions()
    began = time.monotonic()
    with control_plane("admission") as cluster:
        print(f"API server ready in {time.monotonic() - began:.0f} s", flush=True)
        define(cluster, made)
        for overlay in OVERLAYS:
            manifests = rendered(cluster, str(ROOT / "k8s" / "overlays" / overlay))
            _admit_ours(cluster, f"overlays/{overlay}", manifests, new_secrets(overlay))
            clear(cluster)
        for name, arguments in CHARTS.items():
            manifests = rendered_chart(*arguments)
            _admit_ours(cluster, name, manifests, new_secrets("production"))
            clear(cluster)


def rendered_chart(*arguments: str | Path) -> str:
    """What Helm makes of the chart; raises StartError without a Helm."""
    command = (helm(), "template", "barong", CHART, "--namespace", NAMESPACE, *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _apply(manifests: str, secrets: str | None) -> None:
    made = definitions()
    with control_plane("admission") as cluster:
        define(cluster, made)
        _admit_one(cluster, "manifests", manifests, new_secrets(secrets) if secrets else "")


def _admit_ours(cluster: Cluster, name: str, manifests: str, secrets: str) -> None:
    """Raises `AssertionError` also for a kind whose definition is missing."""
    left_out = _admit_one(cluster, name, manifests, secrets)
    assert not left_out, f"{name} has kinds that deploy/cluster/go does not define: {left_out}"


def _hold(manifests: str) -> None:
    """Keeps a cluster with two nodes until Ctrl-C."""
    release = this_release()
    archive, parts = save_images({"this": release})
    with control_plane() as cluster, nodes(cluster, archive):
        _prepare(cluster)
        objects = (
            objects_of(manifests) if manifests else overlay(cluster, release, parts, replicas=1)
        )
        apply(cluster, objects)
        publish_names(cluster)
        print(f"export KUBECONFIG={cluster.kubeconfig}", flush=True)
        print(f"images are tagged {release.tag}; Ctrl-C ends everything", flush=True)
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(2)
                publish_names(cluster)


def _drill(given: argparse.Namespace) -> None:
    with ExitStack() as trees:
        old = trees.enter_context(release_of(given.previous or previous_release()))
        new = trees.enter_context(release_of(given.release)) if given.release else this_release()
        archive, parts = save_images({"old": old, "new": new})
        print(f"from {old.tag} to {new.tag}", flush=True)
        with (
            control_plane() as cluster,
            nodes(cluster, archive) as made,
            kept_logs([node.logs for node in made], cluster.folder / "pod-logs"),
        ):
            _prepare(cluster)
            drill = Drill(
                cluster,
                {node.name: node for node in made},
                overlay(cluster, old, parts, replicas=2),
                overlay(cluster, new, parts, replicas=2),
                given.rate,
                re.compile(given.only),
                given.minutes,
            )
            rows = asyncio.run(drill.run(_report))
    print(table(rows))
    if given.write:
        text = _PAGE.read_text()
        before, after = text.partition(_BEGIN)[0], text.partition(_END)[2]
        _PAGE.write_text(f"{before}{_BEGIN}\n{table(rows)}\n{_END}{after}")
    wrong = [
        f"{each.phase}: {each.call} ended with {each.ended}"
        for row in rows
        for each in row.unexplained
    ]
    assert not wrong, f"{len(wrong)} calls ended wrongly:\n" + "\n".join(wrong[:50])


def _report(row: Row) -> None:
    print(" | ".join(row.cells()), *row.wrong, sep="\n  ", flush=True)


def _prepare(cluster: Cluster) -> None:
    """Namespace, Secrets and the volumes that the local overlay claims."""
    cluster.kubectl("apply", "-f", str(ROOT / "k8s/overlays/local/namespace.yaml"))
    cluster.kubectl("-n", NAMESPACE, "create", "-f", "-", text=new_secrets("local"))
    provide_volumes(cluster)


def define(cluster: Cluster, folder: Path) -> None:
    """Makes the operators' kinds known."""
    cluster.kubectl("apply", "--server-side", "-f", str(folder))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")


def new_secrets(target: str) -> str:
    """Secrets as the documented command prints them."""
    return subprocess.run(
        (sys.executable, "-m", "deploy.make_secrets", target),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def _admit_one(cluster: Cluster, name: str, manifests: str, secrets: str) -> str:
    """Prints what came of it; returns the kinds that were left out."""
    began = time.monotonic()
    admission = admit(cluster, manifests, secrets)
    left_out = ", ".join(sorted(admission.undefined))
    print(
        f"{name}: {admission.objects} objects and {admission.pods} pods admitted, "
        f"nothing changes at a second apply, in {time.monotonic() - began:.0f} s"
        + (f"; not checked, for want of their definitions: {left_out}" if left_out else ""),
        flush=True,
    )
    return left_out


def _read(places: Iterable[str]) -> str:
    texts = []
    for place in places:
        if place == "-":
            texts.append(sys.stdin.read())
            continue
        path = Path(place)
        files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
        texts += [file.read_text() for file in files]
    return "\n---\n".join(texts)


if __name__ == "__main__":
    main()
