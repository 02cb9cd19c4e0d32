"""A subscriber from outside: hears events on both kinds of exchange and checks their signatures."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import aiohttp
import jwt
from aio_pika.abc import AbstractIncomingMessage

from shared.contracts.events import ReceivedEvent
from shared.contracts.topology import EVENTS
from shared.messaging.broker import connected
from shared.messaging.envelope import EventVerifier
from shared.tokens.key_set import JwksDocument, KeySet
from tests.support.barong_subscriber import NotVerified, verified
from tests.support.system import Installation
from tests.support.waiting import until

LEGACY_KEYS = {
    "model": (
        *("user.created", "user.updated"),
        *("label.created", "label.updated", "label.deleted"),
        *("profile.created", "profile.updated", "document.created"),
        *("phone.created", "phone.updated", "phone.deleted"),
        *("data_storage.created", "data_storage.deleted"),
        *("api_key.created", "api_key.updated", "api_key.deleted"),
        *("passkey.created", "passkey.updated", "passkey.deleted"),
        *("linked_account.created", "linked_account.deleted"),
    ),
    "system": (
        "user.email.confirmation.token",
        "user.email.confirmed",
        "user.password.reset.token",
        "user.password.reset",
        "user.password.change",
        "user.otp.guessed",
        "user.email.change.token",
        "user.email.reversal.token",
        "user.recovery_codes.created",
        "user.recovery_code.used",
        "user.account.deleted",
        "document.verified",
        "document.rejected",
        "session.create",
        "session.mail.token",
        "session.revoked",
    ),
}

_COLUMNS = "id, event_id, name, record, changes, snapshot, created_at, published_at"
WRITTEN = f"""(
    SELECT {_COLUMNS} FROM outbox UNION ALL SELECT {_COLUMNS} FROM events
) AS written"""
"""Every event that a service wrote, whether it was published or waits, as what SQL selects from."""


@dataclass(slots=True)
class Ear:
    """What was heard so far: on the topic exchange, and the ids on the legacy ones."""

    events: list[ReceivedEvent] = field(default_factory=list)
    legacy: set[object] = field(default_factory=set)

    async def of(self, email: str, count: int, seconds: float = 30) -> list[ReceivedEvent]:
        """The events about this user, once `count` of them were heard on both exchanges."""

        async def all_heard() -> list[ReceivedEvent]:
            mine = [event for event in self.events if email in json.dumps(event.record)]
            complete = len(mine) >= count and all(event.id in self.legacy for event in mine)
            return mine if complete else []

        return await until(all_heard, seconds)

    async def called(
        self,
        name: str,
        email: str,
        count: int = 1,
        where: Callable[[ReceivedEvent], bool] = lambda _: True,
    ) -> list[ReceivedEvent]:
        """The events of one name about this user that are wanted, once there are `count` of them.

        What a test did to the user before it listened may be heard as well.
        """

        async def all_heard() -> list[ReceivedEvent]:
            of_user = await self.of(email, 1)
            wanted = [event for event in of_user if event.name == name and where(event)]
            return wanted if len(wanted) >= count else []

        return await until(all_heard)


@asynccontextmanager
async def listening(system: Installation) -> AsyncIterator[Ear]:
    """An ear that hears every event from now on."""
    ear = Ear()
    async with aiohttp.ClientSession() as http:

        async def jwks() -> JwksDocument:
            url = f"{system.public_url('identity')}/.well-known/jwks.json"
            async with http.get(url) as response:
                document: JwksDocument = await response.json()
                return document

        verifier = EventVerifier(KeySet(jwks), "barong")

        async def heard(message: AbstractIncomingMessage) -> None:
            ear.events.append(await verifier.open(message.body))

        async def heard_legacy(message: AbstractIncomingMessage) -> None:
            ear.legacy.add(UUID(_verified(message.body, await jwks())["jti"]))

        async with connected(system.environments["identity"]["AMQP_URL"], "test") as connection:
            channel = await connection.channel()
            topic = await channel.declare_queue(exclusive=True)
            await topic.bind(EVENTS, "#")
            await topic.consume(heard, no_ack=True)
            for prefix, keys in LEGACY_KEYS.items():
                queue = await channel.declare_queue(exclusive=True)
                for key in keys:
                    await queue.bind(f"{EVENTS}.{prefix}", key)
                await queue.consume(heard_legacy, no_ack=True)
            yield ear


def _verified(body: bytes, document: JwksDocument) -> dict[str, Any]:
    """The claims, as a subscriber of Barong 2.4 reads them: with the key that was given to it.

    The installations of tests make their keys themselves, so each of them is tried.
    """
    for jwk in document["keys"]:
        with suppress(jwt.InvalidSignatureError):
            return verified(body, jwt.PyJWK(jwk).key)
    raise NotVerified
