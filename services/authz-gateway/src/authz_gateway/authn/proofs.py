"""Proofs that come with tokens which are bound to a key (RFC 9449, 7)."""

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from authz_gateway.authn.access_tokens import InvalidAccessToken
from authz_gateway.authn.call import Call
from authz_gateway.authn.errors import NonceUsed
from authz_gateway.authn.nonces import SharedNonces
from shared.contracts.api_keys import Nonce
from shared.errors import Unauthenticated
from shared.tokens.dpop import ALGORITHMS, PROOF_SECONDS, BadProof, Proof, ProofNonces, read_proof

PROOF_MILLISECONDS = PROOF_SECONDS * 1000
_KEYS = "dpop:"
"""Begins the names of keys among those of API keys, whose nonces are in the same store."""


def _challenge(error: str) -> MappingProxyType[str, str]:
    """RFC 9449, 7.1."""
    value = f'DPoP error="{error}", algs="{" ".join(ALGORITHMS)}"'
    return MappingProxyType({"WWW-Authenticate": value})


class TokenNotProven(InvalidAccessToken):
    """A bound token came as a bearer token, or with another key's proof, or is not bound at all."""

    headers = _challenge("invalid_token")


class InvalidProof(Unauthenticated):
    """The proof is missing or broken, is for another request or token, or was used before."""

    codes = ("authz.invalid_dpop_proof",)
    headers = _challenge("invalid_dpop_proof")


class ProofNonceNeeded(Unauthenticated):
    """The proof has to be made again, with the nonce of this answer (RFC 9449, 9)."""

    codes = ("authz.use_dpop_nonce",)

    def __init__(self, nonce: str) -> None:
        super().__init__()
        self.headers = {**_challenge("use_dpop_nonce"), "DPoP-Nonce": nonce}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofChecker:
    """Checks the proof of each call. `issuer` begins the addresses that clients call."""

    issuer: str
    used: SharedNonces
    nonces: ProofNonces
    nonce_needed: bool
    clock: Callable[[], float] = time.time

    async def require(self, call: Call, token: str, thumbprint: str) -> None:
        """Returns if the call has a good proof for the token, which is bound to this key.

        Uses the proof up, at all gateways. Raises `TokenNotProven`, `InvalidProof`,
        `ProofNonceNeeded` or `Unavailable`.
        """
        now = self.clock()
        path = call.target.partition("?")[0].partition("#")[0]
        try:
            proof = read_proof(call.headers.getall("DPoP", ()))
            # The address is ours as configured, not what the call says: a server to which the
            # client was lured could pass on a proof that was made for its own address.
            proof.require(call.method, f"{self.issuer}{path}", now, token)
        except BadProof:
            raise InvalidProof from None
        if proof.thumbprint != thumbprint:
            raise TokenNotProven
        if (self.nonce_needed or proof.nonce is not None) and not self.nonces.accept(proof.nonce):
            raise ProofNonceNeeded(self.nonces.new())
        await self._use(proof, now)

    async def _use(self, proof: Proof, now: float) -> None:
        text = base64.urlsafe_b64encode(proof.identity).decode()
        moment = int(proof.issued_at * 1000)
        try:
            await self.used.use(Nonce(_KEYS + proof.thumbprint, moment, text), int(now * 1000))
        except NonceUsed:
            raise InvalidProof from None
