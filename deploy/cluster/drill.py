"""What users notice while everything is replaced, killed or taken away, one by one."""

import asyncio
import base64
import contextlib
import functools
import json
import math
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from deploy.cluster.admission import NAMESPACE
from deploy.cluster.control_plane import Cluster, Object, until
from deploy.cluster.load import Load, Outcome, log_in, sign_up
from deploy.cluster.node import Node, publish_names
from deploy.cluster.releases import apply

_GATEWAY = "authz-gateway"
# Each log-in is one of the 100 sessions that a user may have.
_MEMBERS = 10
_READY_SECONDS = 600
_SETTLE_SECONDS = 6.0
_BROKER_AWAY_SECONDS = 20.0
_BROKEN = frozenset({"ConnectionResetError", "IncompleteReadError", "ConnectionRefusedError"})
_UPGRADE = "upgrade from the previous release"
_POSTGRES = "There is one PostgreSQL: who needs it is told 503 until it is back."
_BREAKS = "Connections to the killed gateway break; new ones are refused until the kubelet sees it."

Explains = Callable[[Outcome], bool]


@dataclass(frozen=True, slots=True)
class Phase:
    """Something that is done under load, and which failures it explains."""

    name: str
    do: Callable[[], None]
    reason: str = ""
    explains: Explains = field(default=lambda _: False)


@dataclass(frozen=True, slots=True)
class Row:
    """The result of a phase."""

    name: str
    seconds: float
    outcomes: Sequence[Outcome]
    reason: str
    explains: Explains

    @property
    def unexplained(self) -> list[Outcome]:
        """The calls that ended wrongly for no reason that the phase gives."""
        return [each for each in self.outcomes if not each.right and not self.explains(each)]

    @property
    def wrong(self) -> list[str]:
        """A line for each call that ended wrongly: when, which, how."""
        return [
            f"{each.began:%H:%M:%S.%f} {each.call}, {each.seconds:.3f} s: {each.ended} {each.said}"
            for each in self.outcomes
            if not each.right
        ]

    def cells(self) -> tuple[str, ...]:
        """One line of the table."""
        slow = sorted(each.seconds for each in self.outcomes)
        failed = [each for each in self.outcomes if each.failed]
        kinds = Counter(f"{each.ended} ({each.call})" for each in self.outcomes if not each.right)
        named = ", ".join(f"{count}: {kind}" for kind, count in sorted(kinds.items()))
        return (
            self.name,
            f"{self.seconds:.0f}",
            str(len(self.outcomes)),
            str(len(failed)),
            str(sum(each.wrongly_denied for each in self.outcomes)),
            str(sum(each.wrongly_allowed for each in self.outcomes)),
            f"{slow[int(len(slow) * 0.99)] * 1000:.0f}" if slow else "",
            f"{named}. {'Not explained!' if self.unexplained else self.reason}" if named else "",
        )


HEADINGS = (
    *("Under load", "Seconds", "Calls", "Failed", "Wrongly denied", "Wrongly allowed"),
    *("99 % within, ms", "Which, and why"),
)


@dataclass(frozen=True, slots=True)
class Drill:
    """Two releases on a cluster, and the nodes that it has."""

    cluster: Cluster
    nodes: Mapping[str, Node]
    old: list[Object]
    new: list[Object]
    rate: float
    only: "re.Pattern[str]" = re.compile("")
    """Which phases, by their names."""
    minutes: float = math.inf
    """After so long under load, no other phase begins."""

    async def run(self, report: Callable[[Row], None]) -> list[Row]:
        """All phases, each reported at its end; raises `AssertionError` if the system breaks."""
        first = self.old if self.only.search(_UPGRADE) else self.new
        await in_thread(lambda: self._install(first))
        return await self.run_phases([p for p in self.phases() if self.only.search(p.name)], report)

    async def run_phases(self, phases: Sequence[Phase], report: Callable[[Row], None]) -> list[Row]:
        """These phases, one after the other, on what is installed."""
        load = await self._users()
        rows: list[Row] = []
        end = time.monotonic() + self.minutes * 60
        async with load.running():
            for phase in phases:
                if time.monotonic() > end:
                    break
                load.phase, began = phase.name, time.monotonic()
                await in_thread(phase.do)
                await in_thread(self._wait_until_at_rest)
                await asyncio.sleep(_SETTLE_SECONDS)
                rows.append(
                    Row(
                        phase.name,
                        time.monotonic() - began,
                        [each for each in load.outcomes if each.phase == phase.name],
                        phase.reason,
                        phase.explains,
                    )
                )
                report(rows[-1])
        return rows

    def phases(self) -> list[Phase]:
        """Everything that is done, in order."""
        services = self._services()
        return [
            Phase("nothing", lambda: time.sleep(20)),
            Phase(_UPGRADE, lambda: self._apply(self.new)),
            Phase("back to the previous release", lambda: self._apply(self.old)),
            Phase("upgrade again", lambda: self._apply(self.new)),
            Phase("rolling restart of all services", self._restart("deployment", *services)),
            *(
                Phase(
                    f"SIGKILL of each pod of {each}",
                    self._kill_each(each),
                    *((_BREAKS, lambda o: o.ended in _BROKEN) if each == _GATEWAY else ()),
                )
                for each in services
            ),
            Phase(f"RabbitMQ away for {_BROKER_AWAY_SECONDS:.0f} s", self._broker_away),
            Phase("SIGKILL of RabbitMQ", self._kill_each("rabbitmq")),
            *(
                Phase(name, do, _POSTGRES, lambda o: o.ended == "503")
                for name, do in (
                    ("PostgreSQL restarted", self._restart("statefulset", "postgres")),
                    ("SIGKILL of PostgreSQL", self._kill_each("postgres")),
                )
            ),
            Phase("a node drained", self._drain),
        ]

    def _services(self) -> list[str]:
        """Those of Barong, the gateway last."""
        names = [
            each["metadata"]["name"]
            for each in self.new
            if each["kind"] == "Deployment"
            and "app.kubernetes.io/part-of" in each["metadata"].get("labels", {})
        ]
        return sorted(names, key=lambda name: (name == _GATEWAY, name))

    def _install(self, objects: list[Object]) -> None:
        self._apply(objects)
        self._wait_until_at_rest()

    async def _users(self) -> Load:
        gateway, mail = self._address(_GATEWAY, 8080), self._address("mail", 8025)
        members = [
            await sign_up(gateway, mail, f"member-{secrets.token_hex(4)}@example.com")
            for _ in range(_MEMBERS)
        ]
        secret = json.loads(self._kubectl("get", "secret", "superadmin", "-o", "json"))["data"]
        email, password = (
            base64.b64decode(secret[f"BARONG_SUPERADMIN_{name}"]).decode()
            for name in ("EMAIL", "PASSWORD")
        )
        return Load(gateway, members, await log_in(gateway, email, password), self.rate)

    def _kubectl(self, *arguments: str, seconds: float = 120) -> str:
        return self.cluster.kubectl("-n", NAMESPACE, *arguments, seconds=seconds)

    def _address(self, service: str, port: int) -> tuple[str, int]:
        jsonpath = "jsonpath={.spec.clusterIP}"
        return self._kubectl("get", "service", service, "-o", jsonpath), port

    def _apply(self, objects: list[Object]) -> None:
        apply(self.cluster, objects)
        publish_names(self.cluster)
        self._kubectl(
            *("wait", "--for=condition=Complete", "job", "-l", "barong.io/run=before-rollout"),
            f"--timeout={_READY_SECONDS}s",
            seconds=_READY_SECONDS + 10,
        )

    def _restart(self, kind: str, *names: str) -> Callable[[], None]:
        return lambda: self._discard(self._kubectl("rollout", "restart", kind, *names))

    def _kill_each(self, name: str) -> Callable[[], None]:
        def kill() -> None:
            for pod in self._pods(name):
                (status,) = pod["status"]["containerStatuses"]
                container = status["containerID"].removeprefix("containerd://")
                self.nodes[pod["spec"]["nodeName"]].kill(container)
                uid, restarts = pod["metadata"]["uid"], status["restartCount"]
                until(
                    functools.partial(self._has_restarted, name, uid, restarts),
                    f"{pod['metadata']['name']} has started again",
                    seconds=_READY_SECONDS,
                    error=AssertionError,
                )
                self._wait_until_at_rest()

        return kill

    def _has_restarted(self, name: str, uid: str, restarts: int) -> bool:
        statuses = [
            each["status"].get("containerStatuses", [{}])[0]
            for each in self._pods(name)
            if each["metadata"]["uid"] == uid
        ]
        return any(each.get("restartCount", 0) > restarts and each["ready"] for each in statuses)

    def _pods(self, name: str) -> list[Object]:
        label = "barong.io/part" if name == "postgres" else "app.kubernetes.io/name"
        found = self.cluster.list("pods", "-n", NAMESPACE, "-l", f"{label}={name}")
        return [each for each in found if "deletionTimestamp" not in each["metadata"]]

    def _broker_away(self) -> None:
        self._kubectl("scale", "statefulset/rabbitmq", "--replicas=0")
        self._kubectl(*("wait", "--for=delete", "pod/rabbitmq-0", "--timeout=90s"), seconds=100)
        time.sleep(_BROKER_AWAY_SECONDS)
        self._kubectl("scale", "statefulset/rabbitmq", "--replicas=1")

    def _drain(self) -> None:
        self.cluster.kubectl(
            *("drain", "node2", "--ignore-daemonsets", "--delete-emptydir-data"),
            f"--timeout={_READY_SECONDS}s",
            seconds=_READY_SECONDS + 10,
        )

    def _wait_until_at_rest(self) -> None:
        """Until each Deployment and StatefulSet has all its pods, new and ready."""
        workloads = ("deployment", "statefulset")
        for kind in workloads:
            for each in self.cluster.list(kind, "-n", NAMESPACE):
                self._kubectl(
                    *("rollout", "status", f"{kind}/{each['metadata']['name']}"),
                    f"--timeout={_READY_SECONDS}s",
                    seconds=_READY_SECONDS + 10,
                )
        until(
            self._is_full,
            "each service has its pods",
            seconds=_READY_SECONDS,
            every=1,
            error=AssertionError,
        )

    def _is_full(self) -> bool:
        """Whether the autoscalers have made as many pods as they have to, and all are ready."""
        least = {
            each["metadata"]["name"]: each["spec"]["minReplicas"]
            for each in self.cluster.list("horizontalpodautoscaler", "-n", NAMESPACE)
        }
        return all(
            each["status"].get("readyReplicas", 0) >= least.get(each["metadata"]["name"], 1)
            for each in self.cluster.list("deployment", "-n", NAMESPACE)
        )

    @staticmethod
    def _discard(_: str) -> None:
        return


async def in_thread(work: Callable[[], None]) -> None:
    """Runs it in a thread that nobody waits for when the drill is ended: pods may take minutes."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def end(error: Exception | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        caught: Exception | None = None
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whoever awaits gets it
            caught = error
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(end, caught)

    threading.Thread(target=run, daemon=True).start()
    await done


def table(rows: Sequence[Row]) -> str:
    """The rows as a table in Markdown, with a line of sums."""
    everything = [outcome for row in rows for outcome in row.outcomes]
    total = Row("all", sum(r.seconds for r in rows), everything, "", lambda _: True)
    lines = [HEADINGS, ("---",) * len(HEADINGS), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (*lines, (*total.cells()[:-1], "")))
