"""Subscribers that die at any step: an effect is had once, a webhook is sent at least once.

The event is one whose effect cannot be repeated unseen: an entry of the audit trail.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from deploy.local import rabbitmq
from identity_svc.confirmations.events import email_confirmed
from shared.contracts.catalogue import ACCOUNT_DELETED, LABELS, WEBHOOK_ENDPOINTS
from shared.contracts.events import Event
from shared.contracts.labels import PrivateLabels
from shared.contracts.records import LabelRecord, NestedUser, UserAlone, WebhookEndpointRecord
from shared.contracts.users import User
from shared.crypto.key_ring import KeyRing
from shared.database.pool import Database
from shared.messaging.outbox import Outbox
from shared.process import running
from tests.chaos.dying_subscriber import STEPS
from tests.support.database import TestDatabase
from tests.support.events import WRITTEN
from tests.support.system import KEY, PASSWORD, Installation, installation, ready
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
    await without_events_of_the_seed(database)
    async with running(system.service("identity")):
        yield system, database


async def without_events_of_the_seed(database: TestDatabase) -> None:
    """So that no service dies of them."""
    async with database.connected() as tables:
        await tables.execute("UPDATE identity.outbox SET published_at = now()")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with webhook_receiver() as made:
        yield made


def steps_of(service: str) -> list[str]:
    return [step for step, (name, *_) in STEPS.items() if name == service]


async def killed(system: Installation, step: str) -> None:
    """Runs the service of this step until it has died."""
    async with dying(system, step):
        pass


@asynccontextmanager
async def dying(system: Installation, step: str) -> AsyncIterator[None]:
    """Runs the service of this step; returns when it has died."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.dying_subscriber", step),
        env={**os.environ, **system.environments[STEPS[step][0]]},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
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


@pytest.mark.parametrize("step", steps_of("identity"))
async def test_a_label_changes_the_level_once(
    step: str, system_of_my_own: Installation, database: TestDatabase
) -> None:
    """identity-svc signs the events of labels as well, so there is no other one meanwhile."""
    system = system_of_my_own
    await without_events_of_the_seed(database)
    async with running(system.service("resource")):
        async with dying(system, step):
            await ready(system, "identity")
            user = await signed_up(system)
            labels = {"email": "verified"}
            await publish(database, "resource", labelled(user, PrivateLabels(user.uid, 1, labels)))
        labels = {"email": "verified", "phone": "verified"}
        await publish(database, "resource", labelled(user, PrivateLabels(user.uid, 2, labels)))
        identity = Database(database.dsns["identity"], "identity")
        async with running(system.service("identity")), identity.opened():

            async def levels() -> list[int]:
                async with identity.connection() as connection:
                    rows = await connection.fetch(
                        f"""
                        SELECT (record ->> 'level')::int AS level
                        FROM {WRITTEN}
                        WHERE name = 'model.user.updated' AND record ->> 'uid' = $1
                        ORDER BY id
                        """,
                        user.uid,
                    )
                found = [row["level"] for row in rows]
                return found if 2 in found else []

            assert await until(levels) == [1, 2]


@pytest.mark.parametrize("step", steps_of("resource"))
async def test_a_confirmed_address_is_labelled_once(
    step: str, parts: tuple[Installation, TestDatabase]
) -> None:
    system, database = parts
    users = [a_user(uid=f"ID{steps_of('resource').index(step)}{number}") for number in range(2)]
    await publish(database, "identity", email_confirmed(users[0], users[0], ""))
    await killed(system, step)
    await publish(database, "identity", email_confirmed(users[1], users[1], ""))
    resource = Database(database.dsns["resource"], "resource")
    async with running(system.service("resource", **_ANY_PORT)), resource.opened():

        async def labelled_users() -> list[str]:
            async with resource.connection() as connection:
                rows = await connection.fetch(
                    f"""
                    SELECT record -> 'user' ->> 'uid' AS uid
                    FROM {WRITTEN}
                    WHERE name = 'model.label.created' AND record -> 'user' ->> 'uid' = ANY($1)
                    """,
                    [user.uid for user in users],
                )
            found = [row["uid"] for row in rows]
            return sorted(found) if {user.uid for user in users} <= set(found) else []

        assert await until(labelled_users) == [user.uid for user in users]


def a_user(**changes: Any) -> User:
    now = datetime.now(UTC)
    given = {
        **{name: NESTED[name] for name in ("email", "role", "level", "otp", "referral_uid")},
        "uid": "ID1",
        "state": "pending",
        "data": None,
        "version": 1,
        **changes,
    }
    return User(created_at=now, updated_at=now, **given)


async def signed_up(system: Installation) -> User:
    form = {"email": "somebody@example.com", "password": PASSWORD}
    url = f"{system.public_url('identity')}/api/v2/identity/users"
    async with aiohttp.ClientSession() as http, http.post(url, data=form) as response:
        assert response.status == 201, await response.text()
        return a_user(uid=(await response.json())["uid"], level=0)


def labelled(user: User, labels: PrivateLabels) -> Event:
    """The event of a private label, which is the last of all these."""
    key = list(labels.labels)[-1]
    record = LabelRecord(
        id=labels.version,
        key=key,
        value=labels.labels[key],
        description=None,
        user=user.to_event(),
        scope="private",
    )
    return LABELS["created"].event(record, snapshot={"private_labels": labels.to_internal()})


@pytest.mark.parametrize("step", steps_of("admin"))
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


@pytest.mark.parametrize("step", steps_of("webhooks"))
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
