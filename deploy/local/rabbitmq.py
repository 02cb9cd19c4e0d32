"""A RabbitMQ broker of our own, and virtual hosts in it."""

import base64
import contextlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from deploy.local import ports, private_files, processes, rabbitmq_home, rabbitmq_install
from deploy.local.processes import StartError

# Shared by the local stack and the tests, so that a download happens once.
DOWNLOADS = Path(__file__).parents[2] / ".local" / "rabbitmq-server"

_USER = "barong"
_VHOST = "barong"
_START_SECONDS = 60
_STOP_SECONDS = 15
_CALL_SECONDS = 10
_VHOST_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")


@contextlib.contextmanager
def server(directory: Path, *, downloads: Path = DOWNLOADS) -> Iterator[str]:
    """Run RabbitMQ on `directory` while the context lasts, and give the URL of its virtual host.

    A broker that is not installed is downloaded into `downloads`. Raises StartError when it does
    not come up or another process runs it already.
    """
    with starting(directory, downloads=downloads) as broker:
        while not broker.is_ready():
            time.sleep(0.02)
        yield broker.url


@contextlib.contextmanager
def starting(directory: Path, *, downloads: Path = DOWNLOADS) -> Iterator["Broker"]:
    """Do what `server` does without waiting: the URL is known seconds before it answers."""
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    # Erlang starts a port mapper that outlives it; it is ours, and ended as a leftover.
    with processes.owned(directory, "RabbitMQ"):
        installation = rabbitmq_install.find_or_download(downloads)
        broker = Broker(directory, installation.home, _configure(directory, installation.env))
        try:
            yield broker
        finally:
            broker.stop()


def add_vhost(directory: Path, name: str) -> str:
    """Create the virtual host `name` in the broker running on `directory`, and return its URL.

    Takes about 15 ms, and works from any process of the user who started the broker.
    """
    node = _Node.load(directory)
    node.evaluate(
        f'ok = rabbit_vhost:add(<<"{_checked(name)}">>, <<"{_USER}">>),'
        f'ok = rabbit_auth_backend_internal:set_permissions(<<"{_USER}">>, <<"{name}">>,'
        f' <<".*">>, <<".*">>, <<".*">>, <<"{_USER}">>).'
    )
    return node.url(name)


def add_user(directory: Path, name: str, vhost: str, may: Mapping[str, str]) -> str:
    """Create a user in `vhost` with these patterns, and return its URL there.

    `may` has the patterns of what they may configure, write and read, under these names.
    """
    node = _Node.load(directory)
    password = secrets.token_hex(24)
    texts = (name, password, _checked(vhost), may["configure"], may["write"], may["read"])
    # Encoded, because the patterns are full of what Erlang reads in its own way.
    encoded = (f'base64:decode(<<"{base64.b64encode(text.encode()).decode()}">>)' for text in texts)
    user, secret, host, *patterns = encoded
    node.evaluate(
        f'ok = rabbit_auth_backend_internal:add_user({user}, {secret}, <<"{_USER}">>),'
        f"ok = rabbit_auth_backend_internal:set_permissions({user}, {host},"
        f' {", ".join(patterns)}, <<"{_USER}">>).'
    )
    return f"amqp://{name}:{password}@{ports.LOOPBACK}:{node.port}/{vhost}"


def delete_vhost(directory: Path, name: str) -> None:
    """Delete the virtual host `name` with everything in it."""
    _Node.load(directory).evaluate(
        f'rabbit_vhost:delete(<<"{_checked(name)}">>, <<"{_USER}">>), ok.'
    )


def evaluate(directory: Path, expression: str) -> None:
    """Evaluate an Erlang `expression`, which must give ok, in the broker running on `directory`."""
    _Node.load(directory).evaluate(expression)


def _checked(name: str) -> str:
    # The name becomes part of an Erlang expression.
    if not _VHOST_NAME.fullmatch(name):
        raise ValueError(f"not a name for a virtual host: {name!r}")
    return name


@dataclass(frozen=True, slots=True)
class _Node:
    """What any process needs to know to use the broker of a folder, where it is kept."""

    port: int
    control_port: int
    password: str
    env: dict[str, str]

    @classmethod
    def load(cls, directory: Path) -> Self:
        return cls(**json.loads((directory / "node.json").read_text()))

    def save(self, directory: Path) -> None:
        private_files.write(directory / "node.json", json.dumps(asdict(self)))

    def url(self, vhost: str) -> str:
        return f"amqp://{_USER}:{self.password}@{ports.LOOPBACK}:{self.port}/{vhost}"

    def evaluate(self, expression: str) -> None:
        """Evaluate an Erlang `expression`, which must give ok, inside the broker."""
        # A small C program; rabbitmqctl starts an Erlang of its own, which takes a second.
        done = subprocess.run(
            ["erl_call", "-address", f"{ports.LOOPBACK}:{self.control_port}", "-e"],
            env=self.env,
            input=expression + "\n",
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=_CALL_SECONDS,
        )
        if done.stdout != "{ok, ok}":
            raise RuntimeError(f"RabbitMQ refused {expression!r}: {done.stdout}{done.stderr}")


class Broker:
    """A broker process of ours, from its start to its end."""

    def __init__(self, directory: Path, home: Path, node: _Node) -> None:
        self.url = node.url(_VHOST)
        self.log = directory / "rabbitmq.log"
        self._directory = directory
        self._node = node
        # A release whose broker needs more than it declares ends at once in a slim home, and then
        # gets its full one.
        self._homes = [home, rabbitmq_home.build(home, directory / "home")]
        self._process = self._start()

    def is_ready(self) -> bool:
        """Tell whether the broker speaks AMQP by now; StartError when it never will."""
        if not self.is_alive():
            if not self._homes:
                raise StartError(f"RabbitMQ did not start:\n{processes.tail(self.log)}")
            processes.end_leftovers(self._directory)
            self._process = self._start()
        if time.monotonic() > self._deadline:
            raise StartError(f"RabbitMQ takes too long:\n{processes.tail(self.log)}")
        with (
            contextlib.suppress(OSError),
            socket.create_connection((ports.LOOPBACK, self._node.port), 2) as client,
        ):
            client.sendall(b"AMQP\x00\x00\x09\x01")
            return client.recv(1) == b"\x01"
        return False

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the broker, which takes it about a second."""
        processes.stop(self._process, signal.SIGTERM, _STOP_SECONDS)

    def _start(self) -> subprocess.Popen[bytes]:
        self._deadline = time.monotonic() + _START_SECONDS
        return processes.start(
            [self._homes.pop() / "sbin" / "rabbitmq-server"],
            mark=self._directory,
            env=self._node.env,
            log=self.log,
            cwd=self._directory,
        )


def _configure(directory: Path, env: Mapping[str, str]) -> _Node:
    """Choose ports, write what the broker reads when it starts, and return how to reach it."""
    port, control_port, mapper_port = ports.free_ports(3)
    password = private_files.secret(directory / "password")
    # Who has the cookie controls the broker, and the one that Erlang makes is easily guessed.
    private_files.secret(directory / ".erlang.cookie")
    # Erlang terms, because translating a rabbitmq.conf takes RabbitMQ another 0.1 s. A new broker
    # makes this user and host instead of the guest that everybody knows.
    private_files.write(
        directory / "advanced.config",
        f"""[{{rabbit, [
  {{tcp_listeners, [{{"{ports.LOOPBACK}", {port}}}]}},
  {{default_user, <<"{_USER}">>}}, {{default_pass, <<"{password}">>}},
  {{default_vhost, <<"{_VHOST}">>}}
]}}].
""",
    )
    environment = {**env, **_environment(directory, control_port, mapper_port)}
    node = _Node(port, control_port, password, environment)
    node.save(directory)
    return node


def _environment(directory: Path, control_port: int, mapper_port: int) -> dict[str, str]:
    return {
        "HOME": str(directory),
        "ERL_CRASH_DUMP_SECONDS": "0",
        "ERL_EPMD_ADDRESS": ports.LOOPBACK,
        "ERL_EPMD_PORT": str(mapper_port),
        "RABBITMQ_NODENAME": "barong@localhost",
        "RABBITMQ_DIST_PORT": str(control_port),
        "RABBITMQ_MNESIA_BASE": str(directory / "data"),
        "RABBITMQ_LOG_BASE": str(directory / "log"),
        # To its output, which is our log.
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(directory / "advanced.config"),
        # Named, though absent, so that nothing under /etc/rabbitmq is read.
        "RABBITMQ_CONFIG_FILE": str(directory / "none.conf"),
        "RABBITMQ_CONFIG_FILES": str(directory / "none.d"),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "none.plugins"),
        # Lets the start script become Erlang instead of waiting for it; -noinput then takes back
        # what the name says. +L leaves out line numbers, and 0.2 s.
        "RABBITMQ_ALLOW_INPUT": "1",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-noinput +L -kernel inet_dist_use_interface {127,0,0,1}"
        ),
    }
