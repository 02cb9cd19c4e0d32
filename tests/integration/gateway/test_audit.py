"""No audited call is forwarded without a record, whichever service is down."""

import asyncio
import dataclasses
import io
import json
import secrets
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import aiohttp
import pytest
from multidict import CIMultiDict
from structlog.testing import capture_logs

from shared.contracts.activities import Activity
from shared.contracts.topology import AUDITS
from shared.crypto.key_ring import KeyRing
from shared.messaging.audits import AuditSeal
from shared.messaging.broker import connected
from shared.process import running
from tests.support.client import USER_AGENT, Client
from tests.support.gate import Gate
from tests.support.internal import tables_of_admin
from tests.support.system import KEY, Installation, ready
from tests.support.waiting import until

PERMISSIONS = "admin/permissions"


def a_rule() -> dict[str, str]:
    """A permission without effect on other tests."""
    path = f"api/v2/{secrets.token_hex(8)}"
    return {"role": "member", "verb": "get", "path": path, "action": "accept"}


async def audits(system: Installation, marker: str) -> list[dict[str, Any]]:
    """The activities of the audit log with this text in their data."""
    async with tables_of_admin(system) as tables:
        rows = await tables.fetch(
            "SELECT * FROM activities WHERE category = 'admin' AND data LIKE '%' || $1 || '%'",
            marker,
        )
    return [dict(row) for row in rows]


async def audited(system: Installation, marker: str, count: int = 1) -> list[dict[str, Any]]:
    """The same, once there are this many."""

    async def enough() -> list[dict[str, Any]]:
        found = await audits(system, marker)
        return found if len(found) >= count else []

    return await until(enough)


@dataclasses.dataclass(frozen=True, slots=True)
class Shaken:
    """A superadmin at a gateway whose connections to the broker and to admin-svc can be blocked."""

    admin: Client
    broker: Gate
    internal: Gate

    async def count(self, result: str, kept: str) -> float:
        """The gateway's counter of audits that were stored there."""
        async with (
            aiohttp.ClientSession(self.admin.system.internal_url("gateway")) as http,
            http.get("/metrics") as response,
        ):
            text = await response.text()
        name = f'gateway_audits_total{{kept="{kept}",result="{result}"}} '
        lines = [line for line in text.splitlines() if line.startswith(name)]
        return float(lines[0].removeprefix(name)) if lines else 0

    async def until_kept(self, kept: str) -> None:
        """Returns once audits are stored there."""

        async def goes() -> bool:
            before = await self.count("succeed", kept)
            await self.admin.post(PERMISSIONS, a_rule())
            return await self.count("succeed", kept) > before

        await until(goes)


@asynccontextmanager
async def shaken(system: Installation) -> AsyncIterator[Shaken]:
    async with (
        Gate.before(system.environments["gateway"]["AMQP_URL"]) as broker,
        Gate.before(system.internal_url("admin")) as internal,
    ):
        await broker.open()
        await internal.open()
        own = system.service(
            "gateway",
            AMQP_URL=broker.url,
            BARONG_ADMIN_INTERNAL_URL=internal.url,
            BARONG_PORT="0",
            BARONG_INTERNAL_PORT="0",
        )
        async with running(own) as addresses:
            public, private = (
                int(url.rpartition(":")[2]) for url in (addresses.public, addresses.internal)
            )
            mine = dataclasses.replace(
                system,
                public={**system.public, "gateway": public},
                internal={**system.internal, "gateway": private},
            )
            await ready(mine, "gateway")
            async with Client(mine) as admin:
                await admin.log_in_as_superadmin()
                yield Shaken(admin, broker, internal)


@pytest.fixture
async def gateway(system: Installation) -> AsyncIterator[Shaken]:
    async with shaken(system) as made:
        await made.until_kept("queue")
        yield made


async def test_what_is_audited(admin: Client, client: Client, system: Installation) -> None:
    uid = (await client.become_member()).body["uid"]
    body = {"uid": uid, "key": "probe", "value": "yes", "scope": "public", "otp_code": "123456"}
    marker = secrets.token_hex(8)
    answer = await admin.call(
        "POST", f"admin/users/labels?marker={marker}", None, json={**body, "password": "hunter2"}
    )
    assert answer.status == 201
    [row] = await audited(system, marker)

    assert (row["topic"], row["action"], row["result"]) == ("users", "create", "succeed")
    assert (row["target_uid"], row["user_ip"], row["user_agent"]) == (uid, "127.0.0.1", USER_AGENT)
    assert json.loads(row["data"]) == {
        "marker": marker,
        **{name: value for name, value in body.items() if name != "otp_code"},
        "path": "api/v2/barong/admin/users/labels",
    }


JUNK = "&".join(
    f"j{number}=1" for number in range(196)
)  # the service accepts 200, together with the rest
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"


def parts(*pairs: str, line: str = "\r\n", before: str = "") -> str:
    """A multipart body of `name=value`; each line ends with `line`."""
    heads = "".join(
        f'--x{line}Content-Disposition: form-data; name="{name}"{line}{line}{value}{line}'
        for name, _, value in (pair.partition("=") for pair in pairs)
    )
    return f"{before}{heads}--x--{line}"


LABEL = ("key=hidden", "value=yes", "scope=public")
OF_LABEL = "&".join(LABEL)
VICTIM, INNOCENT = "uid={uid}", "uid=IDX"
SPLIT_AT_LINE_FEEDS = parts(*LABEL, INNOCENT).replace(
    "IDX\r\n", 'IDX\n--x\nContent-Disposition: form-data; name="uid"\n\n{uid}\r\n'
)


@dataclasses.dataclass(frozen=True, slots=True)
class Hiding:
    """A way to send the target's uid, `{uid}`, that another parser may miss."""

    query: str = ""
    body: str = f"{OF_LABEL}&{VICTIM}"
    headers: tuple[tuple[str, str], ...] = ()
    kind: str = FORM
    packed: int | None = None
    """The window bits for zlib."""

    def sent(self, uid: str) -> bytes:
        body = self.body.replace("{uid}", uid).encode()
        if self.packed is None:
            return body
        packer = zlib.compressobj(wbits=self.packed)
        return packer.compress(body) + packer.flush()


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """The client's answer, who has the label that was meant for the victim, and the audit log."""

    status: int
    errors: list[str]
    labelled: bool
    targets: list[str | None]


@pytest.fixture
async def hide(
    admin: Client, client: Client, system: Installation
) -> Callable[[Hiding], Awaitable[Outcome]]:
    """Makes the call and returns its outcome."""

    async def make(hiding: Hiding) -> Outcome:
        uid = (await client.become_member()).body["uid"]
        marker = secrets.token_hex(8)
        query = f"marker={marker}&{hiding.query.format(uid=uid)}"
        headers = CIMultiDict({"User-Agent": USER_AGENT, "X-CSRF-Token": admin.csrf_token})
        headers.extend([("Content-Type", hiding.kind), *hiding.headers])
        async with (
            aiohttp.ClientSession(cookies={"_barong_session": admin.cookie}) as http,
            http.post(
                f"{system.gateway_url}/api/v2/barong/admin/users/labels?{query}",
                data=hiding.sent(uid),
                headers=headers,
            ) as response,
        ):
            errors = [] if response.status == 201 else (await response.json())["errors"]
        last = secrets.token_hex(8)
        await admin.post(PERMISSIONS, a_rule(), params={"marker": last})
        await audited(system, last)
        targets = [row["target_uid"] for row in await audits(system, marker)]
        labels = (await admin.get(f"admin/users/{uid}")).body["labels"]
        labelled = any(label["key"] == "hidden" for label in labels)
        return Outcome(
            response.status, errors, labelled, [t and t.replace(uid, "V") for t in targets]
        )

    return make


@pytest.mark.parametrize(
    "hiding",
    [
        Hiding(f"{INNOCENT}&{VICTIM}", OF_LABEL),
        Hiding("uid[]=IDX&uid={uid}&uid[a]=IDX", OF_LABEL),
        Hiding(INNOCENT, f"{OF_LABEL}&{INNOCENT}&{VICTIM}"),
        Hiding(JUNK),
        Hiding(body=f"{OF_LABEL}&{VICTIM}&body=not+shown"),
        Hiding(body=f"junk={'x' * 200_000}&{OF_LABEL}&{VICTIM}"),
        Hiding(headers=(("Connection", "content-encoding"), ("Content-Encoding", "gzip"))),
        Hiding(headers=(("Connection", "x, Content-Encoding"), ("Content-Encoding", "br"))),
        Hiding(body=parts(*LABEL, INNOCENT, VICTIM), kind=MULTIPART),
        Hiding(body=parts(*LABEL, VICTIM, before="x" * 8000 + "\r\n"), kind=MULTIPART),
        Hiding(body=parts(*LABEL, VICTIM, before=("x" * 8000 + "\r\n") * 30), kind=MULTIPART),
        Hiding(INNOCENT, parts(*LABEL, VICTIM) + parts(INNOCENT), kind=MULTIPART),
    ],
    ids=[
        *("repeated", "bracketed", "both", "junk", "body", "large", "hop by hop", "another hop"),
        *("parts", "preamble", "long preamble", "epilogue"),
    ],
)
async def test_an_administrator_cannot_hide_the_target(
    hide: Callable[[Hiding], Awaitable[Outcome]], hiding: Hiding
) -> None:
    assert await hide(hiding) == Outcome(201, [], labelled=True, targets=["V"])


ENCODED = "request.unsupported_encoding"


@pytest.mark.parametrize(
    ("hiding", "status", "code"),
    [
        (Hiding(headers=(("Content-Encoding", "x"),)), 415, ENCODED),
        (Hiding(headers=(("Content-Encoding", "gzip"),), packed=31), 415, ENCODED),
        (Hiding(headers=(("Content-Encoding", "deflate"),), packed=-15), 415, ENCODED),
        (
            Hiding(headers=(("Content-Encoding", "identity"), ("Content-Encoding", "br"))),
            415,
            ENCODED,
        ),
        (Hiding(kind="text/plain"), 415, "request.unsupported_media_type"),
        (Hiding(headers=(("Connection", "content-type"),)), 415, "request.unsupported_media_type"),
        (Hiding(headers=(("Content-Type", "application/json"),)), 400, "request.malformed"),
        (Hiding(body=f"{OF_LABEL}&{VICTIM}&x=%ff"), 400, "request.malformed"),
        (Hiding(JUNK, body=f"{OF_LABEL}&{VICTIM}&{JUNK}&{JUNK}"), 400, "request.malformed"),
        (Hiding(body=parts(*LABEL, VICTIM)[:-7], kind=MULTIPART), 400, "request.malformed"),
        (Hiding(body=f"junk={'x' * 300_000}&{VICTIM}"), 413, "request.too_large"),
        (
            Hiding(body=parts(*LABEL, VICTIM, before=("x" * 8000 + "\r\n") * 38), kind=MULTIPART),
            *(413, "request.too_large"),
        ),
    ],
)
async def test_calls_that_cannot_be_recorded_are_not_forwarded(
    hide: Callable[[Hiding], Awaitable[Outcome]], hiding: Hiding, status: int, code: str
) -> None:
    assert await hide(hiding) == Outcome(status, [code], labelled=False, targets=[])


@pytest.mark.parametrize(
    "body",
    [SPLIT_AT_LINE_FEEDS, parts(*LABEL, INNOCENT, VICTIM, line="\n"), parts(*LABEL, line="\n")],
)
async def test_odd_line_ends_are_read_alike_by_audit_and_service(
    hide: Callable[[Hiding], Awaitable[Outcome]], body: str
) -> None:
    outcome = await hide(Hiding(body=body, kind=MULTIPART))

    assert outcome.labelled is (outcome.targets == ["V"])


async def test_an_upload_is_audited_by_the_names_of_its_files(
    admin: Client, system: Installation
) -> None:
    marker = secrets.token_hex(8)
    png = b"\x89PNG\r\n\x1a\n".ljust(9 * 2**20, b"x")
    form: Any = aiohttp.FormData(default_to_multipart=True)
    for name in ("a.png", "b.png", "c.png"):
        form.add_field("upload[]", io.BytesIO(png), filename=name, content_type="image/png")
    for name, value in {
        "doc_type": "Passport",
        "doc_number": "1",
        "doc_expire": "2999-01-01",
    }.items():
        form.add_field(name, value)

    answer = await admin.post(f"resource/documents?marker={marker}", form)

    assert answer.status == 201
    [row] = await audited(system, marker)
    data = json.loads(row["data"])
    assert data["upload"] == [["file a.png"], ["file b.png"], ["file c.png"]]
    assert data["doc_type"] == "Passport"


async def test_an_upload_that_is_too_large_is_not_forwarded(
    admin: Client, system: Installation
) -> None:
    form: Any = aiohttp.FormData(default_to_multipart=True)
    form.add_field(
        "upload[]", io.BytesIO(bytes(32 * 2**20)), filename="a.png", content_type="image/png"
    )

    answer = await admin.post("resource/documents", form)

    assert (answer.status, answer.errors) == (413, ["request.too_large"])


async def test_an_audited_body_is_forwarded_unchanged(admin: Client) -> None:
    rule = a_rule()
    added = await admin.call("POST", PERMISSIONS, None, json={**rule, "topic": "t" * 200})
    assert added.status == 201
    assert (added.body["path"], added.body["topic"]) == (rule["path"], "t" * 200)
    too_large = await admin.post(PERMISSIONS, {**a_rule(), "more": "x" * 200_000})
    assert too_large.status == 201


async def test_reads_and_public_calls_are_not_audited(
    admin: Client, client: Client, system: Installation
) -> None:
    marker = secrets.token_hex(8)
    assert (await admin.get("admin/levels", params={"marker": marker})).status == 200
    assert (await client.get("identity/time", params={"marker": marker})).status == 200
    assert (await client.get("admin/levels", params={"marker": marker})).status == 401
    last = secrets.token_hex(8)
    await admin.post(PERMISSIONS, a_rule(), params={"marker": last})
    await audited(system, last)

    assert await audits(system, marker) == []


async def test_forward_auth_is_audited_too(
    admin: Client, client: Client, system: Installation
) -> None:
    marker = secrets.token_hex(8)
    path = f"/api/v2/auth/api/v2/barong/admin/permissions?marker={marker}"
    assert (await admin.call("POST", path)).status == 200
    await client.become_member()
    assert (await client.call("POST", path)).status == 401

    rows = await audited(system, marker, 2)
    assert {row["result"] for row in rows} == {"succeed", "denied"}
    assert {row["topic"] for row in rows} == {"permissions"}


async def test_the_topic_of_a_rule(admin: Client, client: Client, system: Installation) -> None:
    await client.become_member()
    marker = secrets.token_hex(8)
    rule = {
        "role": "member",
        "verb": "GET",
        "path": "api/v2/barong/resource/api_keys",
        "action": "AUDIT",
        "topic": "curiosity",
    }
    added = (await admin.post(PERMISSIONS, rule)).body

    async def event_arrived() -> bool:
        await client.get("resource/api_keys", params={"marker": marker})
        return bool(await audits(system, marker))

    try:
        await until(event_arrived)
    finally:
        await admin.call("DELETE", PERMISSIONS, {"id": added["id"]})
    row = (await audits(system, marker))[0]
    assert (row["topic"], row["action"], row["result"]) == ("curiosity", "read", "succeed")


async def test_without_the_broker_admin_svc_records_the_call(
    gateway: Shaken, client: Client, system: Installation
) -> None:
    await gateway.broker.shut()
    rule = a_rule()
    assert (await gateway.admin.post(PERMISSIONS, rule)).status == 201

    assert len(await audits(system, rule["path"])) == 1  # at once: the queue is not used
    assert await gateway.count("succeed", "admin-svc") >= 1
    await gateway.broker.open()
    await gateway.until_kept("queue")


async def test_without_both_audited_calls_are_refused(
    gateway: Shaken, system: Installation
) -> None:
    await gateway.broker.shut()
    await gateway.internal.shut()
    rule = a_rule()
    answer = await gateway.admin.post(PERMISSIONS, rule)

    assert (answer.status, answer.errors) == (503, ["server.unavailable"])
    assert answer.headers["Retry-After"]
    assert (await gateway.admin.get("admin/levels")).status == 200
    async with tables_of_admin(system) as tables:
        count = "SELECT count(*) FROM permissions WHERE path = $1"
        assert not await tables.fetchval(count, rule["path"])
    assert await gateway.count("succeed", "nowhere") >= 1

    await gateway.internal.open()
    assert (await gateway.admin.post(PERMISSIONS, rule)).status == 201


async def test_without_both_denied_calls_stay_denied(gateway: Shaken) -> None:
    async with Client(gateway.admin.system) as member:
        uid = (await member.become_member()).body["uid"]
        await gateway.broker.shut()
        await gateway.internal.shut()
        with capture_logs() as logs:
            answer = await member.get("admin/users")

    assert (answer.status, answer.errors) == (401, ["authz.invalid_permission"])
    assert await gateway.count("denied", "nowhere") == 1
    lines = [line for line in logs if line["event"] == "denial_not_kept"]
    assert [(line["uid"], line["topic"], line["action"]) for line in lines] == [
        (uid, "users", "read")
    ]


async def test_a_deleted_queue_is_declared_again(gateway: Shaken, system: Installation) -> None:
    async with connected(system.environments["gateway"]["AMQP_URL"], "test") as connection:
        channel = await connection.channel()
        await channel.queue_delete(AUDITS.queue)
    rule = a_rule()
    assert (await gateway.admin.post(PERMISSIONS, rule)).status == 201

    assert await audited(system, rule["path"])
    await gateway.until_kept("queue")


async def test_concurrent_audits_are_each_recorded_once(
    gateway: Shaken, system: Installation
) -> None:
    """A call that is refused because its record is uncertain may nevertheless be recorded."""
    marker, numbers = secrets.token_hex(8), range(300)
    refused: Counter[int] = Counter()

    async def call(number: int) -> None:
        path = f"/api/v2/auth/api/v2/barong/admin/x?marker={marker}&number={number}"
        while (answer := await gateway.admin.call("POST", path)).status == 503:
            refused[number] += 1
        assert answer.status == 200

    async def shake() -> None:
        for _ in range(5):
            await asyncio.sleep(0.05)
            await gateway.broker.shut()
            await asyncio.sleep(0.05)
            await gateway.broker.open()

    await asyncio.gather(*map(call, numbers), shake())

    async def all_kept() -> Counter[int]:
        rows = await audits(system, marker)
        found = Counter(int(json.loads(row["data"])["number"]) for row in rows)
        return found if found.keys() == set(numbers) else Counter()

    kept = await until(all_kept)
    assert all(kept[number] <= 1 + refused[number] for number in numbers)


async def test_messages_without_a_gateways_seal_are_dead_lettered(system: Installation) -> None:
    marker = secrets.token_hex(8)
    activity = Activity(
        category="admin",
        uid="IDFORGED",
        user_ip="::1",
        user_agent="",
        topic="forged",
        action="create",
        result="succeed",
        data=json.dumps({"marker": marker}),
    )
    other_seal = AuditSeal(KeyRing({"test": bytes(32)}))
    genuine = AuditSeal(KeyRing.parse(KEY))
    async with connected(system.environments["gateway"]["AMQP_URL"], "test") as connection:
        channel = await connection.channel()
        for body in (other_seal.seal([activity]), b"junk", genuine.seal([activity])):
            await channel.default_exchange.publish(aio_pika.Message(body), AUDITS.queue)
        await audited(system, marker)
        dead = await channel.get_queue(AUDITS.dead_letters, ensure=False)

        async def set_aside() -> bool:
            declared = await channel.declare_queue(AUDITS.dead_letters, passive=True)
            return declared.declaration_result.message_count == 2

        await until(set_aside)
        await dead.purge()
    assert len(await audits(system, marker)) == 1
