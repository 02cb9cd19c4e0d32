"""The documented subscribers hear real events, and judge the test vectors as they must."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aio_pika
import pytest
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.messaging.broker import connected
from tests.interop.programs import Command
from tests.interop.subscribers.programs import LANGUAGES
from tests.support.client import Client
from tests.support.system import PASSWORD, ROOT, Installation
from tests.support.waiting import until

QUEUE, DEAD = "example", "example.dead"
VECTORS = ROOT / "docs" / "subscribers" / "vectors"
SECONDS = 60


@pytest.fixture(params=LANGUAGES)
async def command(request: pytest.FixtureRequest) -> Command:
    """The program of one language after another."""
    made = await asyncio.to_thread(LANGUAGES[request.param])
    if isinstance(made, str):
        pytest.skip(made)
    return made


@asynccontextmanager
async def listening(
    command: Command, amqp_url: str, gateway_url: str, folder: Path
) -> AsyncIterator[tuple[AbstractChannel, Path]]:
    """The program, which reads its queue; a channel, and the file of what it prints."""
    said, complained = folder / "said", folder / "complained"
    await delete_queues(amqp_url)  # another test's may have the same name, and other arguments
    with said.open("wb") as output, complained.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, "AMQP_URL": amqp_url, "GATEWAY_URL": gateway_url},
            stdout=output,
            stderr=errors,
        )
    try:
        async with connected(amqp_url, "test") as connection:

            async def reads() -> bool:
                assert process.returncode is None, complained.read_text()
                async with connection.channel() as trial:
                    try:
                        queue = await trial.declare_queue(QUEUE, passive=True)
                    except aio_pika.exceptions.ChannelNotFoundEntity:
                        return False
                    return bool(queue.declaration_result.consumer_count)

            await until(reads, SECONDS)
            channel = await connection.channel()
            yield channel, said
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await delete_queues(amqp_url)


async def delete_queues(amqp_url: str) -> None:
    async with connected(amqp_url, "test") as connection:
        channel = await connection.channel()
        for queue in (QUEUE, DEAD, *(f"{QUEUE}.retry.{delay}s" for delay in (1, 10, 60, 300))):
            await channel.queue_delete(queue)


async def test_a_documented_program_hears_real_events(
    command: Command, system: Installation, client: Client, tmp_path: Path
) -> None:
    amqp_url = system.environments["identity"]["AMQP_URL"]
    async with listening(command, amqp_url, system.gateway_url, tmp_path) as (_, said):
        email = f"{Path(command[0]).name}@subscribers.example.com"
        answer = await client.post("identity/users", {"email": email, "password": PASSWORD})
        assert answer.status == 201
        wanted = f"model.user.created {answer.body['uid']}"

        async def heard() -> bool:
            return wanted in said.read_text().splitlines()

        await until(heard, SECONDS)


async def test_a_documented_program_judges_every_vector_as_it_must(
    command: Command, new_amqp_url: Callable[[], str], tmp_path: Path
) -> None:
    content = json.loads((VECTORS / "vectors.json").read_text())
    vectors = {each["name"]: each for each in content["vectors"]}
    amqp_url = new_amqp_url()
    async with connected(amqp_url, "test") as connection:
        channel = await connection.channel()
        await channel.declare_exchange("barong.events", ExchangeType.TOPIC, durable=True)

    async with (
        published_keys() as gateway_url,
        listening(command, amqp_url, gateway_url, tmp_path) as (channel, said),
    ):
        for name, vector in vectors.items():
            message = aio_pika.Message(vector["message"].encode(), message_id=name)
            await channel.default_exchange.publish(message, QUEUE)
        dead = await channel.get_queue(DEAD, ensure=False)
        refused: set[str] = set()

        async def all_judged() -> list[str]:
            while message := await dead.get(no_ack=True, fail=False):
                refused.add(str(message.message_id))
            lines = said.read_text().splitlines()
            return lines if len(lines) + len(refused) == len(vectors) else []

        taken = await until(all_judged, SECONDS)

    verdicts = {name: vector["verdict"] for name, vector in vectors.items()}
    assert {name for name in refused if verdicts[name] == "valid"} == set()
    assert {name for name in vectors if verdicts[name] == "invalid"} <= refused
    event = content["claims"]["event"]
    assert set(taken) == {f"{event['name']} {event['record']['uid']}"}


@asynccontextmanager
async def published_keys() -> AsyncIterator[str]:
    """The address of a gateway that publishes the keys of the vectors."""

    async def keys(_request: web.Request) -> web.Response:
        return web.json_response(text=(VECTORS / "jwks.json").read_text())

    application = web.Application()
    application.router.add_get("/.well-known/jwks.json", keys)
    async with TestServer(application) as server:
        yield str(server.make_url("")).rstrip("/")
