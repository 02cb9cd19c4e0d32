"""Who signs his calls with API keys."""

from collections.abc import AsyncIterator

import pytest

from tests.api_keys import Key, Owner
from tests.authenticator import second_factor_of
from tests.client import Client
from tests.system import PASSWORD, Installation


@pytest.fixture(scope="module")
async def program(system: Installation) -> AsyncIterator[Client]:
    """Calls with nothing but its signatures."""
    async with Client(system) as made:
        yield made


@pytest.fixture
async def owner(client: Client) -> Owner:
    uid = (await client.become_member()).body["uid"]
    made = Owner(client, uid, await second_factor_of(client, uid))
    form = {"email": client.email, "password": PASSWORD}
    code = (await made.form())["totp_code"]
    assert (await client.post("identity/sessions", {**form, "otp_code": code})).status == 201
    return made


@pytest.fixture
async def key(owner: Owner) -> Key:
    return await owner.new_key()
