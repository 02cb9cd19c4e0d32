"""Checks proofs, and lets each be used once (RFC 9449, 4.3 and 8)."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from prometheus_client import Counter

from oauth_svc.core import Core
from oauth_svc.dpop import store
from oauth_svc.protocol.errors import INVALID_DPOP_PROOF, USE_DPOP_NONCE, OAuthError
from shared.database.pool import Database
from shared.tokens.dpop import ALGORITHMS, PROOF_SECONDS, BadProof, ProofNonces, read_proof

_STORED_FOR = timedelta(seconds=2 * PROOF_SECONDS + 60)
"""A proof may be a minute ahead, and clocks of instances differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """The proofs that come to this provider."""

    database: Database
    nonces: ProofNonces
    nonce_needed: bool
    issuer: str
    outcomes: Counter

    async def use(
        self, headers: Sequence[str], method: str, path: str, token: str | None = None
    ) -> str:
        """The thumbprint of the key that a request's proof shows; raises `OAuthError`.

        `headers` are the values of `DPoP`. With `token`, the proof has to be for that token, too,
        and errors are those of a protected resource (7.1).
        """
        try:
            return await self._use(headers, method, path, token)
        except OAuthError as error:
            self.outcomes.labels(error.error).inc()
            if token is None:
                raise
            given = {**error.headers, "WWW-Authenticate": challenge(error.error)}
            raise OAuthError(error.error, error.description, status=401, headers=given) from None

    async def _use(self, headers: Sequence[str], method: str, path: str, token: str | None) -> str:
        try:
            proof = read_proof(headers)
            proof.require(method, f"{self.issuer}{path}", time.time(), token)
        except BadProof as bad:
            raise OAuthError(INVALID_DPOP_PROOF, str(bad)) from None
        if (self.nonce_needed or proof.nonce is not None) and not self.nonces.accept(proof.nonce):
            raise OAuthError(
                USE_DPOP_NONCE,
                "The proof needs the nonce of this answer.",
                headers={"DPoP-Nonce": self.nonces.new()},
            )
        async with self.database.connection() as connection:
            if not await store.use(connection, proof.identity, _STORED_FOR):
                raise OAuthError(INVALID_DPOP_PROOF, "The proof was used before.")
        self.outcomes.labels(_ACCEPTED).inc()
        return proof.thumbprint

    def fresh_nonce(self, thumbprint: str | None) -> Mapping[str, str]:
        """The header with the nonce for the next proof, for a client that makes proofs (8.2)."""
        needed = self.nonce_needed and thumbprint is not None
        return {"DPoP-Nonce": self.nonces.new()} if needed else {}

    async def sweep(self) -> None:
        """Deletes proofs that have expired."""
        async with self.database.connection() as connection:
            await store.delete_expired(connection)


_ACCEPTED = "accepted"


def challenge(error: str) -> str:
    """`WWW-Authenticate` of a resource that takes bound tokens (7.1)."""
    return f'DPoP error="{error}", algs="{" ".join(ALGORITHMS)}"'


def build(core: Core) -> Proofs:
    """Wires the feature."""
    outcomes = Counter(
        "oauth_dpop_proofs",
        "Proofs that came with requests.",
        ("outcome",),
        registry=core.registry,
    )
    for outcome in (_ACCEPTED, INVALID_DPOP_PROOF, USE_DPOP_NONCE):
        outcomes.labels(outcome)  # exported as 0 from the start
    return Proofs(
        database=core.database,
        nonces=ProofNonces(core.settings.service_keys),
        nonce_needed=core.settings.dpop_nonce,
        issuer=core.settings.issuer,
        outcomes=outcomes,
    )
