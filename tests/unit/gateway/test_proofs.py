"""Proofs that come with bound tokens (RFC 9449, 7), as the gateway checks them."""

import asyncio
from typing import Any

import pytest

from authz_gateway.authn.call import Call
from authz_gateway.authn.nonces import SharedNonces
from authz_gateway.authn.proofs import (
    PROOF_MILLISECONDS,
    InvalidProof,
    ProofChecker,
    ProofNonceNeeded,
    TokenNotProven,
)
from shared.contracts.api_keys import Nonce, is_kid, is_nonce
from shared.crypto.key_ring import KeyRing
from shared.errors import Unavailable
from shared.tokens.dpop import ProofNonces
from tests.support.dpop import Prover
from tests.unit.gateway import builders

ISSUER, TOKEN, NOW = "https://barong.example", "a-token", 1_800_000_000
PATH = "/resource/users/me"


class Store:
    """Stands for resource-svc's store of nonces."""

    def __init__(self) -> None:
        self.used: set[tuple[str, int, str]] = set()
        self.asked: list[Nonce] = []
        self.down = False

    async def use_nonces(self, nonces: Any, lifetime: int) -> list[bool]:
        if self.down:
            raise Unavailable("resource-svc")
        self.asked += nonces
        fresh = [nonce.identity not in self.used for nonce in nonces]
        self.used |= {nonce.identity for nonce in nonces}
        return fresh


def checker(store: Store | None = None, **changes: Any) -> ProofChecker:
    values = {
        "issuer": ISSUER,
        "used": SharedNonces(store or Store(), PROOF_MILLISECONDS),
        "nonces": ProofNonces(KeyRing({"k": b"k" * 32}), clock=lambda: NOW),
        "nonce_needed": False,
        "clock": lambda: NOW,
        **changes,
    }
    return ProofChecker(**values)


def call(proof: str, target: str = PATH) -> Call:
    made = builders.a_call({"DPoP": proof})
    made.target = target
    return made


def proof(prover: Prover, path: str = PATH, **changes: Any) -> str:
    return prover.proof("GET", f"{ISSUER}{path}", **{"iat": NOW, "token": TOKEN, **changes})


async def test_a_good_proof_passes_once_in_one_process_and_in_all() -> None:
    store, prover = Store(), Prover()
    one, other = checker(store), checker(store)
    made = proof(prover)

    await one.require(call(made), TOKEN, prover.thumbprint)
    for gateway in (one, other):
        with pytest.raises(InvalidProof):
            await gateway.require(call(made), TOKEN, prover.thumbprint)
    await other.require(call(proof(prover)), TOKEN, prover.thumbprint)


async def test_what_is_stored_is_what_the_store_takes() -> None:
    store, prover = Store(), Prover()
    await checker(store).require(call(proof(prover, jti="\u2603" * 256)), TOKEN, prover.thumbprint)

    [nonce] = store.asked
    assert is_kid(nonce.kid)
    assert is_nonce(nonce.text)
    assert nonce.moment == NOW * 1000


async def test_while_the_store_is_away_bound_tokens_are_503_and_no_proof_is_used_up() -> None:
    store, prover = Store(), Prover()
    gateway, made = checker(store), proof(prover)

    store.down = True
    with pytest.raises(Unavailable):
        await gateway.require(call(made), TOKEN, prover.thumbprint)
    store.down = False

    await gateway.require(call(made), TOKEN, prover.thumbprint)


@pytest.mark.parametrize("target", [f"{PATH}?x=1", f"{PATH}?x=1#y", "/resource/%75sers/me"])
async def test_the_address_is_what_the_client_called_without_the_query(target: str) -> None:
    prover = Prover()

    await checker().require(call(proof(prover), target=target), TOKEN, prover.thumbprint)


async def test_the_key_is_that_of_the_token() -> None:
    with pytest.raises(TokenNotProven):
        await checker().require(call(proof(Prover())), TOKEN, Prover().thumbprint)


async def test_a_nonce_is_demanded_where_it_is_configured() -> None:
    prover = Prover()
    gateway = checker(nonce_needed=True)

    with pytest.raises(ProofNonceNeeded) as refused:
        await gateway.require(call(proof(prover)), TOKEN, prover.thumbprint)

    nonce = refused.value.headers["DPoP-Nonce"]
    await gateway.require(call(proof(prover, nonce=nonce)), TOKEN, prover.thumbprint)
    await checker().require(call(proof(prover, nonce=nonce)), TOKEN, prover.thumbprint)


async def test_of_many_at_once_one_passes() -> None:
    prover, gateway = Prover(), checker()
    made = proof(prover)

    outcomes = await asyncio.gather(
        *(gateway.require(call(made), TOKEN, prover.thumbprint) for _ in range(5)),
        return_exceptions=True,
    )

    assert sum(outcome is None for outcome in outcomes) == 1
    assert all(outcome is None or isinstance(outcome, InvalidProof) for outcome in outcomes)
