"""One PostgreSQL and one RabbitMQ for each worker, a database and a virtual host for each system.

A run without workers is like one worker.
"""

import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from xdist.remote import Producer

from deploy.local import mail_sink, postgres, rabbitmq, rabbitmq_install
from identity_svc.signing_keys.key_chain import KeyChain
from shared.contracts.events import Event
from shared.log import configure_logging
from tests.support import event_schemas
from tests.support.client import Client
from tests.support.database import TestDatabase, template
from tests.support.distribution import ByFileOrGroup, one_at_a_time, take_own_ports
from tests.support.seeds import seed
from tests.support.system import Installation, installation, started

_numbers = itertools.count(1)


def pytest_configure() -> None:
    take_own_ports()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFileOrGroup:
    return ByFileOrGroup(config, log)


@pytest.fixture(scope="session", autouse=True)
def logs() -> None:
    """What services log while a test runs is shown when it fails."""
    configure_logging("tests", json=False)


@pytest.fixture(scope="session")
def signed_events() -> Iterator[list[str]]:
    """What is wrong with events that identity-svc signed in this process, for all services."""
    faults: list[str] = []
    sign = KeyChain.sign

    async def checked(chain: KeyChain, events: Sequence[Event]) -> list[bytes]:
        faults.extend(fault for event in events for fault in event_schemas.faults(event))
        return await sign(chain, events)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KeyChain, "sign", checked)
        yield faults


@pytest.fixture(autouse=True)
def events_match_their_schemas(signed_events: list[str]) -> Iterator[None]:
    """Every event that is published while any test runs is as the contract describes it."""
    yield
    faults, signed_events[:] = list(signed_events), []
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="session")
def postgres_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of the run's own."""
    with postgres.server(tmp_path_factory.mktemp("postgres"), durable=False) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def rabbitmq_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A RabbitMQ of the run's own."""
    folder = tmp_path_factory.mktemp("rabbitmq")
    with one_at_a_time("rabbitmq"):  # a broker that is not installed is downloaded once
        rabbitmq_install.find_or_download(rabbitmq.DOWNLOADS)
    with rabbitmq.server(folder):
        yield folder


@pytest.fixture(scope="session")
async def database_template(postgres_dsn: str) -> TestDatabase:
    """Migrated and seeded; nobody connects to it.

    A system does not begin with an event about each of its permissions: each would be signed,
    published and handled before the first test.
    """
    made = await template(postgres_dsn)
    await seed(made)
    async with made.connected() as connection:
        await connection.execute("DELETE FROM admin.outbox")
    return made


@pytest.fixture
async def database(database_template: TestDatabase) -> TestDatabase:
    """A database of the test's own."""
    return await database_template.clone()


@pytest.fixture
def new_amqp_url(rabbitmq_folder: Path) -> Callable[[], str]:
    """Makes a virtual host of the test's own."""
    return lambda: rabbitmq.add_vhost(rabbitmq_folder, f"test{next(_numbers)}")


@pytest.fixture(scope="session")
def mail_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all mail of the run arrives."""
    return tmp_path_factory.mktemp("mail")


@pytest.fixture(scope="session")
def smtp_port(mail_folder: Path) -> Iterator[int]:
    """A mail relay that delivers into the folder."""
    with mail_sink.server(mail_folder, report=lambda _: None) as port:
        yield port


@pytest.fixture(scope="session")
async def system(
    database_template: TestDatabase, rabbitmq_folder: Path, mail_folder: Path, smtp_port: int
) -> AsyncIterator[Installation]:
    """The whole system, shared by all tests that do it no harm."""
    url = rabbitmq.add_vhost(rabbitmq_folder, "shared-system")
    made = installation(await database_template.clone(), url, mail_folder, smtp_port)
    async with started(made):
        yield made


@pytest.fixture
async def system_of_my_own(
    database: TestDatabase, new_amqp_url: Callable[[], str], mail_folder: Path, smtp_port: int
) -> Installation:
    """A system that the test starts itself, as a whole or in parts, and may break."""
    return installation(database, new_amqp_url(), mail_folder, smtp_port)


@pytest.fixture
async def client(system: Installation) -> AsyncIterator[Client]:
    """A client without a session."""
    async with Client(system) as made:
        yield made
