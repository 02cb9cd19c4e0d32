"""What holds when parts of the system are not there, or there twice."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs
from yarl import URL

from shared.process import running
from tests.support.client import Client
from tests.support.database import TestDatabase
from tests.support.gate import Gate
from tests.support.internal import tables_of_identity
from tests.support.system import NAMES, PASSWORD, Installation, installation, ready, started
from tests.support.waiting import until


@dataclasses.dataclass(frozen=True, slots=True)
class Gated:
    """A system whose PostgreSQL and RabbitMQ stand behind gates, shut at first."""

    system: Installation
    postgresql: Gate
    rabbitmq: Gate


@pytest.fixture
async def gated(
    database: TestDatabase, new_amqp_url: Callable[[], str], mail_folder: Path, smtp_port: int
) -> AsyncIterator[Gated]:
    async with (
        Gate.before(database.dsn) as postgresql,
        Gate.before(new_amqp_url()) as rabbitmq,
    ):
        behind = TestDatabase(
            postgresql.url, {name: _through(postgresql, dsn) for name, dsn in database.dsns.items()}
        )
        system = installation(behind, rabbitmq.url, mail_folder, smtp_port)
        yield Gated(system, postgresql, rabbitmq)


def _through(gate: Gate, dsn: str) -> str:
    """A DSN's own role and database, at the gate's address."""
    role = dsn.rpartition("@")[0]
    return f"{role}@{gate.url.rpartition('@')[2]}"


@asynccontextmanager
async def all_running(system: Installation) -> AsyncIterator[None]:
    """All services, ready or not."""
    async with AsyncExitStack() as stack:
        for name in NAMES:
            await stack.enter_async_context(running(system.service(name)))
        yield


async def health(system: Installation) -> Mapping[str, tuple[int, int]]:
    """Each service's liveness and readiness, as statuses."""
    async with aiohttp.ClientSession() as http:

        async def status(name: str, kind: str) -> int:
            async with http.get(f"{system.internal_url(name)}/health/{kind}") as response:
                return response.status

        return {name: (await status(name, "live"), await status(name, "ready")) for name in NAMES}


async def test_started_before_its_dependencies_it_waits_and_recovers(gated: Gated) -> None:
    async with all_running(gated.system):
        waiting = dict.fromkeys(NAMES, (200, 503))
        # console-svc needs nothing but the gateway, which passes no call on while it waits.
        assert await health(gated.system) == {**waiting, "console": (200, 200)}
        async with Client(gated.system) as client:
            answer = await client.sign_up()
            assert (answer.status, answer.errors) == (503, ["server.unavailable"])
            assert answer.headers["Retry-After"]
            anonymous = await client.get("resource/users/me", headers={"Cookie": "x=y"})
            assert anonymous.status in (401, 503)

        await gated.postgresql.open()
        await gated.rabbitmq.open()
        await asyncio.gather(*(ready(gated.system, name, 30) for name in NAMES))
        async with Client(gated.system) as client:
            assert (await client.become_member()).body["state"] == "active"


async def test_without_the_broker_the_thread_goes_on_and_the_mail_comes_later(
    gated: Gated,
) -> None:
    await gated.postgresql.open()
    await gated.rabbitmq.open()
    async with started(gated.system), Client(gated.system) as client:
        await gated.rabbitmq.shut()
        assert (await client.sign_up()).status == 201
        assert (await client.get("resource/users/me")).status == 200
        await gated.rabbitmq.open()
        assert (await client.confirm()).body["level"] == 1


async def test_without_the_broker_services_are_ready_and_calls_succeed(gated: Gated) -> None:
    """Kubernetes would take all pods away, though nothing is wrong with any call."""
    await gated.postgresql.open()
    await gated.rabbitmq.open()
    system = gated.system
    async with started(system), Client(system) as client, Client(system) as admin:
        await client.become_member()
        await gated.rabbitmq.shut()

        async def noticed() -> bool:
            return (await health(system))["mailer"] == (200, 503)  # it has nothing else to do

        assert await until(noticed)
        assert await health(system) == {**dict.fromkeys(NAMES, (200, 200)), "mailer": (200, 503)}
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{system.internal_url('identity')}/health/ready") as answer,
        ):
            assert (await answer.json())["parts"]["rabbitmq"] == "down"

        assert (await client.log_in()).status == 201
        assert (await client.post("resource/labels", {"key": "abc", "value": "abc"})).status == 201
        assert (await admin.log_in_as_superadmin()).status == 201
        assert (await admin.get("admin/users")).status == 200


async def test_a_service_of_ours_that_is_down_is_unavailable(
    system_of_my_own: Installation,
) -> None:
    async with (
        started(system_of_my_own, "identity", "admin", "gateway"),
        Client(system_of_my_own) as client,
    ):
        assert (await client.sign_up()).status == 201
        for path in ("resource/labels", "resource/uploads/x"):
            answer = await client.get(path)
            assert (answer.status, answer.errors) == (503, ["server.unavailable"])
            assert answer.headers["Retry-After"] == "1"


WRONG: list[tuple[Callable[[str], str], str]] = [
    (
        lambda dsn: dsn.replace("identity-secret", "s3cret"),
        "InvalidPasswordError: password authentication failed for user",
    ),
    (lambda dsn: dsn.replace("127.0.0.1", "nowhere.invalid"), "gaierror: "),
    (lambda dsn: f"{dsn}?sslmode=require", "rejected SSL upgrade"),
    (lambda dsn: dsn.rpartition("/")[0] + "/nothing", "InvalidCatalogNameError: database"),
]


@pytest.mark.parametrize(("spoilt", "reason"), WRONG)
async def test_why_the_database_cannot_be_used_is_logged_without_secrets(
    system_of_my_own: Installation, spoilt: Callable[[str], str], reason: str
) -> None:
    dsn = spoilt(system_of_my_own.environments["identity"]["DATABASE_URL"])
    free = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}
    with capture_logs() as logs:
        async with (
            running(system_of_my_own.service("identity", **free, DATABASE_URL=dsn)) as places,
            aiohttp.ClientSession() as http,
        ):
            form = {"email": "a@example.com", "password": PASSWORD}
            async with http.post(f"{places.public}/api/v2/identity/users", data=form) as answer:
                assert answer.status == 503
            for _ in range(3):
                async with http.get(f"{places.internal}/health/ready") as answer:
                    assert answer.status == 503
    refused = [line for line in logs if line["event"] == "dependency_unavailable"]
    assert refused
    assert all(reason in line["reason"] for line in refused)
    down = [line for line in logs if line["event"] == "part_down" and line["part"] == "postgresql"]
    assert len(down) == 1  # however often it is asked for
    assert reason in down[0]["reason"]
    for secret in ("s3cret", "identity-secret"):
        assert secret not in str(logs)


async def test_why_the_broker_cannot_be_used_is_logged_without_secrets(
    system_of_my_own: Installation,
) -> None:
    url = str(URL(system_of_my_own.environments["mailer"]["AMQP_URL"]).with_password("s3cret"))
    with capture_logs() as logs:
        async with running(system_of_my_own.service("mailer", AMQP_URL=url)):

            async def refused() -> bool:
                return any(line["event"] == "interrupted" for line in logs)

            assert await until(refused)
    line = next(line for line in logs if line["event"] == "interrupted")
    assert "ACCESS_REFUSED" in line["error"]
    assert "s3cret" not in str(logs)


async def test_without_the_broker_an_account_is_deleted_all_the_same(gated: Gated) -> None:
    await gated.postgresql.open()
    await gated.rabbitmq.open()
    async with started(gated.system), Client(gated.system) as client:
        await client.become_member()
        assert (await client.get("resource/users/me")).status == 200
        await gated.rabbitmq.shut()
        deleted = await client.call("DELETE", "resource/users/me", params={"password": PASSWORD})
        assert deleted.status == 204
        assert (await client.log_in()).errors == ["identity.session.deleted"]

        async def closed() -> bool:  # gateways keep what they know for five seconds at most
            return (await client.get("resource/users/me")).status == 401

        assert await until(closed)
        await gated.rabbitmq.open()
        async with tables_of_identity(gated.system) as tables:

            async def told() -> bool:
                return bool(
                    await tables.fetchval(
                        """
                        SELECT true
                        FROM events
                        WHERE name = 'system.user.account.deleted'
                        """
                    )
                )

            assert await until(told)


async def test_a_lost_database_is_503_and_comes_back(gated: Gated) -> None:
    await gated.postgresql.open()
    await gated.rabbitmq.open()
    async with started(gated.system), Client(gated.system) as client:
        await client.become_member()
        await gated.postgresql.shut()
        for method, path in (
            ("GET", "resource/users/me"),
            ("GET", "resource/labels"),
            ("POST", "identity/sessions"),
        ):
            answer = await client.call(method, path, {"email": "a@example.com", "password": "x"})
            assert (answer.status, answer.errors) == (503, ["server.unavailable"]), path
        await gated.postgresql.open()

        async def back() -> bool:
            return (await client.get("resource/users/me")).status == 200

        assert await until(back)


async def test_identity_down_is_503_never_401(system_of_my_own: Installation) -> None:
    async with running(system_of_my_own.service("gateway")), Client(system_of_my_own) as client:
        answer = await client.get("resource/users/me", headers={"Cookie": "_barong_session=x"})
        assert (answer.status, answer.errors) == (503, ["server.unavailable"])


async def test_a_second_instance_of_every_service_breaks_nothing(
    system_of_my_own: Installation, database: TestDatabase
) -> None:
    first, second = system_of_my_own, system_of_my_own.beside()
    async with started(first), started(second):
        async with Client(first) as here, Client(second) as there:
            await asyncio.gather(here.become_member(), there.become_member())
            await here.log_in(there.email)
            assert (await here.get("resource/users/me")).body["email"] == there.email
            await asyncio.gather(
                *(
                    client.post("resource/labels", {"key": f"label-{n}", "value": "there"})
                    for n in range(20)
                    for client in (here, there)
                )
            )
            labels = (await here.get("resource/labels")).body
            assert len(labels) == 21
        async with database.connected() as connection:
            created = await connection.fetchval(
                """
                SELECT count(*)
                FROM (SELECT name FROM resource.outbox UNION ALL SELECT name FROM resource.events)
                    AS written
                WHERE name = 'model.label.created'
                """
            )
            # The superadmin's label, two confirmed addresses, and twenty labels of one user.
            assert created == 23
            assert await connection.fetchval("SELECT count(*) FROM identity.signing_keys") == 1


async def test_confirmation_without_resource_svc_is_completed_by_the_event(
    system_of_my_own: Installation,
) -> None:
    system = system_of_my_own
    others = [name for name in NAMES if name != "resource"]
    async with started(system, *others), Client(system) as client:
        await client.sign_up()
        answer = await client.confirm()
        assert (answer.status, answer.body["state"]) == (201, "pending")
        assert (await client.log_in()).status == 503
        async with started(system, "resource"):

            async def active() -> bool:
                return bool((await client.get("resource/users/me")).body.get("state") == "active")

            assert await until(active)
            assert (await client.log_in()).body["level"] == 1
