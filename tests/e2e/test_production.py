"""The system as in production: five processes, users of least privilege, no debug."""

import asyncio
import contextlib
import dataclasses
import json
import re
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from deploy.local import rabbitmq
from deploy.local.services import Running, Service, ending
from tests.support.client import Client
from tests.support.database import TestDatabase
from tests.support.seeds import outcome
from tests.support.system import KEY, NAMES, PASSWORD, ROOT, Installation, installation, ready
from tests.support.twilio_stand_in import ACCOUNT, SENDER, TOKEN, TwilioStandIn, twilio_stand_in
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("machine")

SERVICES = {
    "identity": "identity-svc",
    "resource": "resource-svc",
    "admin": "admin-svc",
    "gateway": "authz-gateway",
    "mailer": "mailer-svc",
    "webhooks": "webhooks-svc",
    "console": "console-svc",
    "oauth": "oauth-svc",
}
WRONG_PASSWORD = "Wr0ng-by-a-letter"
READY_SECONDS = 60


@dataclasses.dataclass(slots=True)
class Production:
    """A running installation, its log files, and what must never stand in them."""

    system: Installation
    phones: TwilioStandIn
    processes: list[Running]
    secrets: set[str]

    def lines(self, name: str) -> list[dict[str, Any]]:
        """What a service logged, whose every line is a JSON object."""
        (log,) = (each.log for each in self.processes if each.service.name == SERVICES[name])
        return [json.loads(line) for line in log.read_text().splitlines()]

    def logged(self) -> str:
        """All that all services wrote, to whichever output."""
        return "\n".join(each.log.read_text() for each in self.processes)


@pytest.fixture(scope="module")
async def production(
    database_template: TestDatabase,
    rabbitmq_folder: Path,
    smtp_port: int,
    mail_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Production]:
    folder = tmp_path_factory.mktemp("production")
    rabbitmq.add_vhost(rabbitmq_folder, "production")
    async with twilio_stand_in() as phones:
        system = installation(
            await database_template.clone(),
            "",
            mail_folder,
            smtp_port,
            BARONG_ENV="production",
            BARONG_PUBLIC_URL="https://id.example.com",
            BARONG_THROTTLING="true",
            BARONG_PHONE_VERIFICATION="twilio_sms",
            BARONG_TWILIO_URL=phones.url,
            BARONG_TWILIO_ACCOUNT_SID=ACCOUNT,
            BARONG_TWILIO_AUTH_TOKEN=TOKEN,
            BARONG_TWILIO_PHONE_NUMBER=SENDER,
        )
        brokers = broker_users(rabbitmq_folder)
        processes: list[Running] = []
        hidden = {TOKEN, KEY.partition(":")[2], PASSWORD, WRONG_PASSWORD}
        with ending(processes):
            for name in NAMES:
                environment = {**system.environments[name], "AMQP_URL": brokers.get(name, "")}
                hidden |= passwords(environment)
                service = Service(
                    SERVICES[name],
                    SERVICES[name].replace("-", "_"),
                    system.internal[name],
                    environment,
                )
                processes.append(service.run("serve", folder, folder))
            await asyncio.gather(*(ready(system, name, READY_SECONDS) for name in NAMES))
            yield Production(system, phones, processes, hidden)
    rabbitmq.delete_vhost(rabbitmq_folder, "production")


def broker_users(rabbitmq_folder: Path) -> dict[str, str]:
    """The URL of each service that has a user there, with what deploy/rabbitmq lets it do."""
    file = ROOT / "deploy" / "rabbitmq" / "permissions.json"
    may = {each["user"]: each for each in json.loads(file.read_text())["permissions"]}
    return {
        name: rabbitmq.add_user(
            rabbitmq_folder, f"production-{service}", "production", may[service]
        )
        for name, service in SERVICES.items()
        if service in may
    }


def passwords(environment: Mapping[str, str]) -> set[str]:
    """What stands between user and host in the addresses of a service."""
    found = (urlsplit(environment[key]).password for key in ("AMQP_URL", "DATABASE_URL"))
    return {password for password in found if password}


@pytest.fixture(scope="module")
async def walked(production: Production) -> Production:
    """The installation after a customer's first visit, whose secrets are known by then."""
    async with Client(production.system) as customer:
        signed_up = await customer.sign_up()
        assert signed_up.status == 201
        cookie = signed_up.headers["Set-Cookie"]
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(re.split(r"; *", cookie))
        production.secrets |= {customer.cookie, customer.csrf_token}

        production.secrets.add(await customer.mailed_token(READY_SECONDS))
        confirmed = await customer.confirm()
        assert (confirmed.status, confirmed.body["state"]) == (201, "active")

        refused = await customer.log_in(password=WRONG_PASSWORD)
        assert (refused.status, refused.errors) == (401, ["identity.session.invalid_params"])
        logged_in = await customer.log_in()
        assert logged_in.status == 201
        bearer = logged_in.headers["Authorization"].removeprefix("Bearer ")
        production.secrets |= {customer.cookie, customer.csrf_token, bearer}

        me = await customer.get("resource/users/me")
        assert (me.status, me.body["email"], me.body["level"]) == (200, customer.email, 1)

        number = f"+38067{secrets.randbelow(10**7):07}"
        added = await customer.post("resource/phones", {"phone_number": number})
        assert added.status == 201
        code = production.phones.code_sent_to(number)
        production.secrets.add(production.phones.messages[-1]["Body"])
        wrong = {"phone_number": number, "verification_code": code[::-1] + "0"}
        assert (await customer.post("resource/phones/verify", wrong)).status == 404
        verified = {"phone_number": number, "verification_code": code}
        assert (await customer.post("resource/phones/verify", verified)).status == 201

        async def on_level_two() -> bool:
            return bool((await customer.get("resource/users/me")).body["level"] == 2)

        await until(on_level_two, READY_SECONDS)
        await ask_badly(customer)
    return production


async def ask_badly(customer: Client) -> None:
    """Mistakes are answered as such, without a word about our insides."""
    malformed = await customer.post("identity/sessions", {"email": "\0", "password": "x"})
    assert (malformed.status, malformed.errors) == (400, ["request.malformed"])
    unknown = await customer.get("identity/nothing")
    assert (unknown.status, unknown.body) == (404, {"error": "Route is not found"})
    async with aiohttp.ClientSession(customer.system.gateway_url) as http:
        for inside in ("/metrics", "/health/ready", "/debug", "/events/sign"):
            async with http.get(inside) as got:
                assert got.status == 404


async def test_the_walk_is_logged_as_json(walked: Production) -> None:
    for name in NAMES:
        lines = walked.lines(name)
        assert lines
        for line in lines:
            assert line.keys() >= {"event", "level", "service", "timestamp"}, line
            assert line["service"] == SERVICES[name]

    def calls() -> list[dict[str, Any]]:
        return [line for line in walked.lines("gateway") if line["event"] == "request"]

    async def all_are_written() -> bool:
        return {line["status"] for line in calls()} >= {200, 201, 400, 401, 404}

    await until(all_are_written)
    assert all(line["request_id"] for line in calls())


async def test_a_call_is_found_in_every_log_by_its_id(walked: Production) -> None:
    async with Client(walked.system) as customer:
        got = await customer.get("identity/time", headers={"X-Request-Id": "found-by-its-id"})
        assert got.status == 200
    for name in ("gateway", "identity"):

        async def is_logged(name: str = name) -> bool:
            return any(line.get("request_id") == "found-by-its-id" for line in walked.lines(name))

        await until(is_logged, READY_SECONDS)


async def test_no_secret_is_logged(walked: Production) -> None:
    logged = walked.logged()
    assert len(walked.secrets) >= 15
    for secret in walked.secrets:
        assert len(secret) >= 8
        assert secret not in logged
    assert "Traceback" not in logged


async def test_it_ends_in_order(walked: Production) -> None:
    for running in walked.processes:
        running.process.send_signal(signal.SIGTERM)
    for running in walked.processes:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(running.process.wait), READY_SECONDS)
        assert running.process.returncode == 0, running.service.name
    for name in NAMES:
        assert "stopping" in [line["event"] for line in walked.lines(name)]
    await test_no_secret_is_logged(walked)


REFUSED = [
    ("resource", {"BARONG_PHONE_VERIFICATION": "mock"}, "BARONG_PHONE_VERIFICATION"),
    ("resource", {"BARONG_STORAGE_FOLDER": ""}, "BARONG_STORAGE_FOLDER"),
    ("resource", {"BARONG_MASTER_KEYS": ""}, "BARONG_MASTER_KEYS"),
    ("identity", {"BARONG_MASTER_KEYS": ""}, "BARONG_MASTER_KEYS"),
    ("admin", {"BARONG_SERVICE_KEYS": "weak:c2VjcmV0"}, "BARONG_SERVICE_KEYS"),
    ("mailer", {"BARONG_SMTP_HOST": "smtp.example.com"}, "BARONG_SMTP_TLS"),
]


@pytest.mark.parametrize(("name", "changes", "variable"), REFUSED)
async def test_production_refuses_what_only_development_needs(
    name: str,
    changes: Mapping[str, str],
    variable: str,
    database_template: TestDatabase,
    new_amqp_url: Callable[[], str],
    tmp_path: Path,
) -> None:
    system = installation(
        database_template,
        new_amqp_url(),
        tmp_path,
        25,
        BARONG_ENV="production",
        BARONG_PHONE_VERIFICATION="twilio_sms",
        BARONG_TWILIO_ACCOUNT_SID=ACCOUNT,
        BARONG_TWILIO_AUTH_TOKEN=TOKEN,
        BARONG_TWILIO_PHONE_NUMBER=SENDER,
    )
    environment = {**system.environments[name], **changes}
    code, output = await outcome(SERVICES[name].replace("-", "_"), "serve", environment)
    assert code == 1
    (line,) = output.strip().splitlines()[1:]
    assert line.strip().startswith(f"{variable}:")
    assert not any(value in output for value in changes.values() if len(value) > 4)
