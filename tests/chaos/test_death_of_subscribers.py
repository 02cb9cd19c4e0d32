"""Subscribers that die at any step: an effect is had once, a webhook is sent at least once.

The event is one whose effect cannot be repeated unseen: an entry of the audit trail.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from deploy.local import rabbitmq
from shared.contracts.catalogue import ACCOUNT_DELETED, WEBHOOK_ENDPOINTS
from shared.contracts.events import Event
from shared.contracts.records import NestedUser, UserAlone, WebhookEndpointRecord
from shared.crypto.key_ring import KeyRing
from shared.database.pool import Database
from shared.messaging.outbox import Outbox
from shared.process import running
from tests.chaos.dying_subscriber import STEPS
from tests.support.database import TestDatabase
from tests.support.system import KEY, Installation, installation
from tests.support.waiting import until
from tests.support.webhook_receiver import Receiver, webhook_receiver
from webhooks_svc.endpoints.models import Seal, new_secret

pytestmark = pytest.mark.xdist_group("machine")

_ANY_PORT = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}


@pytest.fixture(scope="module")
async def parts(
    database_template: TestDatabase, rabbitmq_folder: Path, smtp_port: int, mail_folder: Path
) -> AsyncIterator[tuple[Installation, TestDatabase]]:
    """identity-svc, which signs; the subscribers come and go."""
    database = await database_template.clone()
    url = rabbitmq.add_vhost(rabbitmq_folder, "dying-subscribers")
    system = installation(database, url, mail_folder, smtp_port)
    async with running(system.service("identity")):
        yield system, database


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with webhook_receiver() as made:
        yield made


async def killed(system: Installation, step: str) -> None:
    """Runs the service of this step until it has died."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.dying_subscriber", step),
        env={**os.environ, **system.environments[STEPS[step][0]]},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            assert await process.wait() == -signal.SIGKILL
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def publish(database: TestDatabase, schema: str, event: Event) -> None:
    outbox = Database(database.dsns[schema], schema)
    async with outbox.opened(), outbox.transaction() as connection:
        await Outbox().add(connection, event)


@pytest.mark.parametrize("step", [step for step, (name, *_) in STEPS.items() if name == "admin"])
async def test_an_entry_of_the_trail_is_appended_once(
    step: str, parts: tuple[Installation, TestDatabase]
) -> None:
    system, database = parts
    url = f"https://example.com/{step.replace(' ', '-')}"
    record = WebhookEndpointRecord(
        id=1,
        url=url,
        description="",
        events=["*"],
        state="active",
        action="created",
        author_uid="ID1",
        author_role="superadmin",
    )
    await publish(database, "webhooks", WEBHOOK_ENDPOINTS["created"].event(record))
    async with running(system.service("webhooks", **_ANY_PORT)):
        await killed(system, step)
        after = replace(record, url=f"{url}/after")
        await publish(database, "webhooks", WEBHOOK_ENDPOINTS["created"].event(after))
        async with running(system.service("admin", **_ANY_PORT)), database.connected() as tables:

            async def urls() -> list[str]:
                rows = await tables.fetch(
                    """
                    SELECT payload::jsonb -> 'after' ->> 'url' AS url
                    FROM admin.audit_entries
                    JOIN admin.audit_payloads ON entry_id = id
                    WHERE action = 'webhook.created'
                    ORDER BY id
                    """
                )
                found = [row["url"] for row in rows if row["url"].startswith(url)]
                return found if after.url in found else []

            assert await until(urls) == [url, after.url]


@pytest.mark.parametrize("step", [step for step, (name, *_) in STEPS.items() if name == "webhooks"])
async def test_a_webhook_is_sent_at_least_once_always_with_the_same_id(
    step: str, parts: tuple[Installation, TestDatabase], receiver: Receiver
) -> None:
    system, database = parts
    endpoint_id = await endpoint(database, receiver.url)
    event = ACCOUNT_DELETED.event(UserAlone(user=NestedUser(**NESTED)))
    await publish(database, "identity", event)
    await killed(system, step)
    async with database.connected() as tables:
        # As if the lease of the dead had ended.
        await tables.execute("UPDATE webhooks.deliveries SET next_at = now()")
    async with running(system.service("webhooks", **_ANY_PORT)), database.connected() as tables:

        async def delivered() -> list[UUID]:
            rows = await tables.fetch(
                "SELECT event_id, state FROM webhooks.deliveries WHERE endpoint_id = $1",
                endpoint_id,
            )
            return [row["event_id"] for row in rows if row["state"] == "delivered"]

        assert await until(delivered) == [event.id]
        ids = [call.headers["webhook-id"] for call in receiver.calls]
        assert set(ids) == {str(event.id)}
        assert len(ids) == (2 if step == "webhooks-svc has sent it, and stored nothing" else 1)
        await tables.execute("DELETE FROM webhooks.endpoints")


NESTED: Mapping[str, Any] = {
    "uid": "ID1",
    "email": "somebody@example.com",
    "role": "member",
    "level": 1,
    "otp": False,
    "state": "deleted",
    "referral_uid": None,
    "created_at": "2026-11-30T10:00:00Z",
    "updated_at": "2026-11-30T10:00:00Z",
}


async def endpoint(database: TestDatabase, url: str) -> int:
    async with database.connected() as tables:
        made: int = await tables.fetchval(
            """
            INSERT INTO webhooks.endpoints (url, description, events, state, secret)
            VALUES ($1, '', '{system.user.account.deleted}', 'active', $2)
            RETURNING id
            """,
            url,
            Seal(KeyRing.parse(KEY)).close(new_secret()),
        )
    return made
