"""A member and two clients that tests of the OAuth provider share."""

from collections.abc import AsyncIterator

import pytest

from tests.support.client import Client
from tests.support.relying_party import RelyingParty
from tests.support.system import Installation

SCOPES = ["openid", "profile", "email", "address", "phone", "offline_access", "resource"]


@pytest.fixture(scope="module")
async def member(system: Installation) -> AsyncIterator[Client]:
    async with Client(system) as made:
        await made.become_member()
        await made.log_in()
        yield made


@pytest.fixture(scope="module")
async def registrar(system: Installation) -> AsyncIterator[Client]:
    """An administrator, who registers clients."""
    async with Client(system) as made:
        await made.log_in_as_superadmin()
        yield made


@pytest.fixture
async def app(registrar: Client) -> AsyncIterator[RelyingParty]:
    """A confidential client that asks for consent, in a browser without a session."""
    async with await RelyingParty.register(registrar, scopes=SCOPES) as made:
        yield made


@pytest.fixture
async def own_app(registrar: Client) -> AsyncIterator[RelyingParty]:
    """A public client of our own, which needs no consent."""
    async with await RelyingParty.register(
        registrar, scopes=SCOPES, authentication="none", first_party=True
    ) as made:
        yield made
