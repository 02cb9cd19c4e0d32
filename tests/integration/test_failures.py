"""What works without a service, or without its PostgreSQL (docs/operators/failures.md)."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from deploy.local import rabbitmq
from shared.process import running
from tests.support.client import Answer, Client
from tests.support.database import MIGRATIONS, TestDatabase
from tests.support.gate import Gate
from tests.support.system import NAMES, Installation, installation, ready, started
from tests.support.waiting import until
from tests.support.webhook_receiver import webhook_receiver

ME, LABELS, USERS = "resource/users/me", "resource/labels", "admin/users"


@dataclass(frozen=True, slots=True)
class Split:
    """A system in which each service has a way of its own to PostgreSQL, and a known member."""

    system: Installation
    gates: Mapping[str, Gate]
    smtp: Gate
    member: Client
    admin: Client

    @asynccontextmanager
    async def without_postgresql_of(self, name: str) -> AsyncIterator[None]:
        """Afterwards the service is ready again."""
        await self.gates[name].shut()
        try:
            yield
        finally:
            await self.gates[name].open()
            await ready(self.system, name)


@pytest.fixture(scope="module")
async def split(
    database_template: TestDatabase, rabbitmq_folder: Path, mail_folder: Path, smtp_port: int
) -> AsyncIterator[Split]:
    database = await database_template.clone()
    async with AsyncExitStack() as stack:
        gates = {
            name: await stack.enter_async_context(Gate.before(dsn))
            for name, dsn in database.dsns.items()
        }
        for gate in gates.values():
            await gate.open()
        smtp = await stack.enter_async_context(Gate.before(f"smtp://127.0.0.1:{smtp_port}"))
        await smtp.open()
        behind = TestDatabase(database.dsn, {name: gates[name].url for name in MIGRATIONS})
        url = rabbitmq.add_vhost(rabbitmq_folder, "failures")
        system = installation(behind, url, mail_folder, urlsplit(smtp.url).port or 0)
        await stack.enter_async_context(started(system))
        member = await stack.enter_async_context(Client(system))
        admin = await stack.enter_async_context(Client(system))
        await member.become_member()
        assert (await admin.log_in_as_superadmin()).status == 201
        yield Split(system, gates, smtp, member, admin)


def unavailable(answer: Answer) -> bool:
    return answer.status == 503 and answer.errors == ["server.unavailable"]


async def becomes_unavailable(client: Client, path: str) -> None:
    """The gateway remembers callers for five seconds; it never says that one is unknown."""

    async def refused() -> bool:
        answer = await client.get(path)
        assert answer.status in (200, 503), answer
        return unavailable(answer)

    assert await until(refused)


async def test_without_postgresql_of_identity(split: Split) -> None:
    async with split.without_postgresql_of("identity"), Client(split.system) as other:
        assert unavailable(await other.sign_up())
        assert unavailable(await other.log_in(split.member.email))
        assert (await other.get("identity/time")).status == 200
        await becomes_unavailable(split.member, LABELS)
    assert (await split.member.get(ME)).status == 200


async def test_without_postgresql_of_resource(split: Split) -> None:
    async with split.without_postgresql_of("resource"), Client(split.system) as other:
        assert unavailable(await split.member.get(LABELS))
        assert unavailable(await other.log_in(split.member.email))
        assert (await other.sign_up()).status == 201
        assert (await split.member.get("identity/sessions")).status == 200
        assert (await split.admin.get(USERS)).status == 200
    assert (await split.member.get(LABELS)).status == 200


async def test_without_postgresql_of_admin(split: Split) -> None:
    async with split.without_postgresql_of("admin"), Client(split.system) as other:
        assert unavailable(await split.admin.get(USERS))
        assert (await other.log_in(split.member.email)).status == 201
        assert (await split.member.get(ME)).status == 200
        assert (await other.sign_up()).status == 201
        email = other.email

    async def shown() -> bool:
        return bool((await split.admin.get(USERS, params={"email": email})).body)

    assert await until(shown)  # its event waited


async def test_without_postgresql_of_mailer(split: Split) -> None:
    async with Client(split.system) as other:
        async with split.without_postgresql_of("mailer"):
            assert (await other.sign_up()).status == 201
            assert (await other.log_in()).status == 201
            file = split.system.mail / f"{other.email}.token"
            assert not file.exists()
        assert (await other.confirm()).body["level"] == 1


async def test_without_smtp(split: Split) -> None:
    await split.smtp.shut()
    async with Client(split.system) as other:
        assert (await other.sign_up()).status == 201
        url = f"{split.system.internal_url('mailer')}/metrics"
        waiting = 'mails_total{mail="confirmation",outcome="waiting"}'

        async def waits() -> bool:
            async with aiohttp.ClientSession() as http, http.get(url) as answer:
                lines = (await answer.text()).splitlines()
            return any(float(line.split()[1]) > 0 for line in lines if line.startswith(waiting))

        assert await until(waits)
        await split.smtp.open()
        assert (await other.confirm()).body["level"] == 1


async def test_without_admin_svc_the_gateway_goes_on_with_the_policy_that_it_has(
    system_of_my_own: Installation,
) -> None:
    system = system_of_my_own
    others = [name for name in NAMES if name not in ("admin", "gateway")]
    async with started(system, *others), AsyncExitStack() as stack, Client(system) as client:
        async with running(system.service("admin")):
            await ready(system, "admin")
            await stack.enter_async_context(started(system, "gateway"))
            await client.become_member()
        assert (await client.get(ME)).status == 200
        assert (await client.log_in()).status == 201
        assert (await client.post(LABELS, {"key": "abc", "value": "abc"})).status == 201
        async with Client(system) as admin:
            assert (await admin.log_in_as_superadmin()).status == 201
            assert unavailable(await admin.get(USERS))


async def test_without_webhooks_svc_deliveries_come_later(system_of_my_own: Installation) -> None:
    system = system_of_my_own
    others = [name for name in NAMES if name != "webhooks"]
    async with (
        webhook_receiver() as receiver,
        started(system, *others),
        Client(system) as admin,
        Client(system) as member,
    ):
        await admin.log_in_as_superadmin()
        async with started(system, "webhooks"):
            form = {"url": receiver.url, "events": "model.label.updated"}
            assert (await admin.post("admin/webhooks", form)).status == 201
        await member.become_member()
        assert (await member.post(LABELS, {"key": "late", "value": "yes"})).status == 201
        changed = await member.call("PATCH", f"{LABELS}/late", {"value": "maybe"})
        assert changed.status == 200
        assert (await admin.get("admin/webhooks")).status == 503
        async with started(system, "webhooks"):
            (call,) = await receiver.next_calls(1)
        assert json.loads(call.body)["data"]["record"]["key"] == "late"


async def test_without_mailer_svc_the_mail_comes_later(system_of_my_own: Installation) -> None:
    system = system_of_my_own
    others = [name for name in NAMES if name != "mailer"]
    async with started(system), Client(system) as client:
        await client.become_member()
    async with started(system, *others), Client(system) as client:
        assert (await client.sign_up()).status == 201
        async with started(system, "mailer"):
            assert (await client.confirm()).body["level"] == 1
