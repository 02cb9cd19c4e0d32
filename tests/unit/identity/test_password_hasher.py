"""Digests: Argon2id made, bcrypt verified, and a wrong password as dear as any other."""

import asyncio
import time
from collections.abc import AsyncIterator

import bcrypt
import pytest
from argon2 import PasswordHasher as Argon2

from identity_svc.passwords.hasher import PasswordHasher, outdated
from tests.support.even_times import ALIKE, slowest_to_fastest

pytestmark = pytest.mark.xdist_group("machine")

PASSWORD = "Tr4vel-by-night-train"


@pytest.fixture(scope="module")
async def hasher() -> AsyncIterator[PasswordHasher]:
    made = PasswordHasher(1)
    async with made.opened():
        yield made


def imported(password: str, version: str = "2a", cost: int = 4) -> str:
    """A digest as Ruby's bcrypt makes it, which looks at 72 bytes."""
    digest = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(cost)).decode()
    return f"${version}${digest[4:]}"


async def test_a_new_digest_is_argon2id_and_up_to_date(hasher: PasswordHasher) -> None:
    digest = await hasher.digest(PASSWORD)
    assert digest.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not outdated(digest)
    assert await hasher.verify(digest, PASSWORD)
    assert not await hasher.verify(digest, PASSWORD + "x")


@pytest.mark.parametrize("version", ["2a", "2b", "2y"])
@pytest.mark.parametrize("password", [PASSWORD, "пароль-Ж1", "x"])
async def test_bcrypt_digests_are_verified(
    hasher: PasswordHasher, version: str, password: str
) -> None:
    digest = imported(password, version)
    assert outdated(digest)
    assert await hasher.verify(digest, password)
    assert not await hasher.verify(digest, password + "x")


async def test_bcrypt_looks_at_72_bytes_as_it_did(hasher: PasswordHasher) -> None:
    digest = imported("aB3" * 26)
    assert await hasher.verify(digest, "aB3" * 26)
    assert await hasher.verify(digest, "aB3" * 24 + "another end")
    assert not await hasher.verify(digest, "aB3" * 23 + "x")
    assert await hasher.verify(imported("ж" * 40), "ж" * 40)


async def test_argon2_truncates_nothing(hasher: PasswordHasher) -> None:
    digest = await hasher.digest("aB3" * 26)
    assert not await hasher.verify(digest, "aB3" * 26 + "x")
    assert not await hasher.verify(digest, "aB3" * 24)


def test_other_parameters_are_outdated() -> None:
    assert outdated(Argon2(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD))


@pytest.mark.parametrize(
    "digest", ["", "x", "$2a$", "$2a$10$junk", "$2b$99$" + "." * 53, "$argon2id$junk", "$2x$04$x"]
)
async def test_a_broken_digest_matches_nothing(hasher: PasswordHasher, digest: str) -> None:
    assert not await hasher.verify(digest, PASSWORD)


async def test_a_wrong_password_takes_the_same_time_whatever_there_is(
    hasher: PasswordHasher,
) -> None:
    digests = [None, await hasher.digest(PASSWORD), imported(PASSWORD, cost=8)]

    async def refuse(digest: str | None) -> None:
        assert not await hasher.verify(digest, "wrong", bcrypt_cost=8)

    assert await slowest_to_fastest(digests, refuse, time.process_time) < ALIKE


async def test_hashing_leaves_the_event_loop_alone(hasher: PasswordHasher) -> None:
    work = asyncio.gather(*(hasher.digest(PASSWORD) for _ in range(8)))
    turns = 0
    while not work.done():
        await asyncio.sleep(0.001)
        turns += 1
    await work
    assert turns > 8  # were it hashing itself, it would get round once per digest
