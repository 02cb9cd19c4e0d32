"""Standard Webhooks' own libraries verify what webhooks-svc sends, and refuse what it did not."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from tests.interop.webhooks.verifiers import LANGUAGES, judge
from tests.support.client import Client
from tests.support.system import Installation
from tests.support.webhook_receiver import Received, webhook_receiver


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it was received, and the secret that its receiver knows."""

    secret: str
    id: str
    timestamp: str
    signature: str
    body: bytes

    @classmethod
    def of(cls, received: Received, secret: str) -> "Call":
        id_, timestamp, signature = (
            received.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")
        )
        return cls(secret, id_, timestamp, signature, received.body)

    def line(self) -> str:
        body = base64.b64encode(self.body).decode()
        return "\t".join((self.secret, self.id, self.timestamp, self.signature, body))


@pytest.fixture
async def admin(system: Installation) -> AsyncIterator[Client]:
    async with Client(system) as made:
        assert (await made.log_in_as_superadmin()).status == 201
        yield made


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_library_judges_calls_as_it_must(language: str, admin: Client) -> None:
    command = await asyncio.to_thread(LANGUAGES[language])
    if isinstance(command, str):
        pytest.skip(command)
    async with webhook_receiver() as receiver:
        made = await admin.call(
            "POST", "admin/webhooks", {"url": receiver.url, "events": "model.user.updated"}
        )
        path = f"admin/webhooks/{made.body['id']}"
        await admin.call("POST", f"{path}/test")
        rotated = await admin.call("POST", f"{path}/secret")
        await admin.call("POST", f"{path}/test")
        await admin.call("DELETE", path)
        before, after = receiver.calls

    old, new = made.body["secret"], rotated.body["secret"]
    good = Call.of(before, old)
    valid = (good, Call.of(after, old), Call.of(after, new))  # both sign for a day
    invalid = (
        replace(good, secret=new),
        replace(good, id=good.id[:-1] + "x"),
        replace(good, timestamp=str(int(good.timestamp) + 1)),
        replace(good, timestamp="1700000000"),
        replace(good, signature="v1," + base64.b64encode(bytes(32)).decode()),
        replace(good, body=good.body.replace(b"test", b"rest", 1)),
    )
    said = await asyncio.to_thread(judge, command, [call.line() for call in (*valid, *invalid)])
    assert said == ["valid"] * len(valid) + ["invalid"] * len(invalid)
