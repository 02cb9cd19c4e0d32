"""etcd, an API server and its controllers, for as long as they are needed."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from deploy.cluster.programs import CONTROL_PLANE, FOLDER, NoClusterError, built, debian
from deploy.local.ports import free_ports
from deploy.local.processes import owned, start, stop, tail

Object: TypeAlias = dict[str, Any]

POD_NETWORK, SERVICE_NETWORK = "10.244.0.0/16", "10.96.0.0/16"
_START_SECONDS = 120.0
_STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running API server, and the folder in which its processes keep their files."""

    folder: Path
    programs: Path

    @property
    def kubeconfig(self) -> Path:
        """The file with which kubectl is the administrator."""
        return self.folder / "kubeconfig"

    def kubectl(self, *arguments: str, text: str | None = None, seconds: float = 120) -> str:
        """What `kubectl …` prints, with `text` as its input; raises `CalledProcessError`."""
        done = self.ask(*arguments, text=text, seconds=seconds)
        if done.returncode:
            raise subprocess.CalledProcessError(
                done.returncode, ("kubectl", *arguments), done.stdout, done.stderr
            )
        return done.stdout

    def ask(
        self, *arguments: str, text: str | None = None, seconds: float = 120
    ) -> "subprocess.CompletedProcess[str]":
        """`kubectl …` to its end, however it ends."""
        return subprocess.run(
            (str(self.programs / "kubectl"), *arguments),
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            input=text,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def list(self, kind: str, *arguments: str) -> list[Object]:
        """All objects of a kind: those of a namespace (`-n barong`) or of all (`-A`)."""
        found: list[Object] = json.loads(self.kubectl("get", kind, *arguments, "-o", "json"))[
            "items"
        ]
        return found

    def start(self, name: str, command: Sequence[str | Path]) -> "subprocess.Popen[bytes]":
        """Starts a program of the cluster, with its output in `<name>.log`."""
        return start(
            command, mark=self.folder, env=os.environ, log=self.folder / f"{name}.log", cwd="/"
        )

    def log_of(self, name: str) -> str:
        """The end of what a program said."""
        return tail(self.folder / f"{name}.log")


@contextmanager
def control_plane(name: str = "run", *, controllers: bool = True) -> Iterator[Cluster]:
    """An empty cluster without nodes; raises `NoClusterError`.

    Its files lie in `.local/cluster/<name>`. Without `controllers`, objects are admitted and
    stored, and nothing is made of them.
    """
    etcd = debian("etcd", "etcd-server")
    openssl = debian("openssl", "openssl")
    cluster = Cluster(FOLDER / name, built(CONTROL_PLANE))
    cluster.folder.mkdir(parents=True, exist_ok=True)
    with owned(cluster.folder, "a cluster"), ExitStack() as processes:
        for left in ("etcd", "certs"):
            shutil.rmtree(cluster.folder / left, ignore_errors=True)
        _make_keys(cluster.folder, openssl)
        client, peer, api = free_ports(3)
        _start_etcd(cluster, processes, etcd, client, peer)
        _start_api_server(cluster, processes, client, api)
        if controllers:
            _start_controllers(cluster, processes)
        yield cluster


def _start_etcd(cluster: Cluster, processes: ExitStack, etcd: str, client: int, peer: int) -> None:
    clients, peers = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    _run_until_the_end(
        cluster,
        processes,
        "etcd",
        (
            *(etcd, "--data-dir", cluster.folder / "etcd", "--unsafe-no-fsync"),
            *("--listen-client-urls", clients, "--advertise-client-urls", clients),
            *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
            *("--initial-cluster", f"default={peers}"),
        ),
    )


def _start_api_server(cluster: Cluster, processes: ExitStack, etcd: int, port: int) -> None:
    folder, token = cluster.folder, secrets.token_hex(24)
    _write_private(folder / "tokens.csv", f'{token},admin,admin,"system:masters"\n')
    process = _run_until_the_end(
        cluster,
        processes,
        "kube-apiserver",
        (
            *(cluster.programs / "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{etcd}"),
            *("--bind-address=127.0.0.1", f"--secure-port={port}", f"--cert-dir={folder}/certs"),
            f"--service-cluster-ip-range={SERVICE_NETWORK}",
            *("--authorization-mode=Node,RBAC", f"--token-auth-file={folder}/tokens.csv"),
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder}/service-accounts.pub",
            f"--service-account-signing-key-file={folder}/service-accounts.key",
            # Who the API server is to the kubelets, for logs and exec.
            f"--kubelet-client-certificate={folder}/kubelet-client.crt",
            f"--kubelet-client-key={folder}/kubelet-client.key",
            *("--kubelet-preferred-address-types=InternalIP", "--allow-privileged=true"),
        ),
    )
    authority = folder / "certs" / "apiserver.crt"
    _write_private(
        cluster.kubeconfig,
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {
                        "name": "local",
                        "cluster": {
                            "server": f"https://127.0.0.1:{port}",
                            "certificate-authority": str(authority),
                        },
                    }
                ],
                "users": [{"name": "admin", "user": {"token": token}}],
                "contexts": [{"name": "local", "context": {"cluster": "local", "user": "admin"}}],
                "current-context": "local",
            }
        ),
    )
    until(
        lambda: authority.exists() and not cluster.ask("get", "--raw", "/readyz").returncode,
        "the API server is ready",
        seconds=_START_SECONDS,
        failed=lambda: cluster.log_of("kube-apiserver") if process.poll() is not None else "",
    )


def _start_controllers(cluster: Cluster, processes: ExitStack) -> None:
    folder, (port,) = cluster.folder, free_ports(1)
    _run_until_the_end(
        cluster,
        processes,
        "kube-controller-manager",
        (
            cluster.programs / "kube-controller-manager",
            *as_administrator(cluster),
            *("--bind-address=127.0.0.1", f"--secure-port={port}"),
            f"--cert-dir={folder}/controller-certs",
            f"--service-account-private-key-file={folder}/service-accounts.key",
            f"--root-ca-file={folder}/certs/apiserver.crt",
            *("--use-service-account-credentials=true", "--leader-elect=false"),
        ),
    )


def as_administrator(cluster: Cluster) -> tuple[str, ...]:
    """The options by which a controller or the scheduler knows the API server."""
    return tuple(
        f"--{option}={cluster.kubeconfig}"
        for option in ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    )


def _run_until_the_end(
    cluster: Cluster, processes: ExitStack, name: str, command: Sequence[str | Path]
) -> "subprocess.Popen[bytes]":
    process = cluster.start(name, command)
    processes.callback(stop, process, signal.SIGTERM, _STOP_SECONDS)
    return process


def _make_keys(folder: Path, openssl: str) -> None:
    """Keys of service accounts, and an authority with the API server's certificate for kubelets."""
    if (folder / "kubelet-client.crt").exists():
        return
    for arguments in (
        "genrsa -out service-accounts.key 2048",
        "rsa -in service-accounts.key -pubout -out service-accounts.pub",
        "req -x509 -newkey rsa:2048 -nodes -keyout authority.key -out authority.crt -days 3650 "
        "-subj /CN=authority",
        "req -newkey rsa:2048 -nodes -keyout kubelet-client.key -out kubelet-client.csr "
        "-subj /O=system:masters/CN=kube-apiserver",
        "x509 -req -in kubelet-client.csr -CA authority.crt -CAkey authority.key -CAcreateserial "
        "-days 3650 -out kubelet-client.crt",
    ):
        subprocess.run((openssl, *arguments.split()), cwd=folder, capture_output=True, check=True)


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def until(
    condition: Callable[[], object],
    what: str,
    *,
    seconds: float,
    every: float = 0.3,
    failed: Callable[[], str] = str,
    error: type[Exception] = NoClusterError,
) -> None:
    """Waits for a condition; raises `error` when time is up, or when `failed` gives a reason."""
    end = time.monotonic() + seconds
    while not condition():
        if reason := failed():
            raise error(f"not so: {what}\n{reason}")
        if time.monotonic() > end:
            raise error(f"not within {seconds:.0f} s: {what}")
        time.sleep(every)
