"""A client that proves to have a key (RFC 9449), made without the library that the services use."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import ECAlgorithm, OKPAlgorithm
from multidict import CIMultiDict

from tests.support.relying_party import REDIRECT_URI, VERIFIER, RelyingParty

_JWS = jwt.PyJWS()
_JWS.register_algorithm("Ed25519", OKPAlgorithm())


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Prover:
    """One key, and proofs that are signed with it."""

    def __init__(self, algorithm: str = "ES256") -> None:
        self.algorithm = algorithm
        self.key: Any
        if algorithm == "ES256":
            self.key = ec.generate_private_key(ec.SECP256R1())
            public = ECAlgorithm.to_jwk(self.key.public_key())
        else:
            self.key = ed25519.Ed25519PrivateKey.generate()
            public = OKPAlgorithm.to_jwk(self.key.public_key())
        names = ("crv", "kty", "x", "y")
        self.jwk = {name: value for name, value in json.loads(public).items() if name in names}

    @property
    def thumbprint(self) -> str:
        """RFC 7638, 3."""
        text = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        return base64url(hashlib.sha256(text.encode()).digest())

    def proof(
        self,
        method: str,
        url: str,
        *,
        token: str | None = None,
        nonce: str | None = None,
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """A proof for a request, with changes to its claims and header; None removes a claim."""
        claims = {
            "jti": secrets.token_urlsafe(12),
            "htm": method,
            "htu": url,
            "iat": int(time.time()),
            "ath": None if token is None else base64url(hashlib.sha256(token.encode()).digest()),
            "nonce": nonce,
            **changes,
        }
        given = {name: value for name, value in claims.items() if value is not None}
        headers = {"typ": "dpop+jwt", "jwk": self.jwk, **(header or {})}
        return _JWS.encode(json.dumps(given).encode(), self.key, self.algorithm, headers=headers)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a client's server got."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def outcome(self) -> tuple[int, str]:
        """The status, and the error's name."""
        return self.status, self.body.get("error", "")


async def send(
    party: RelyingParty, path: str, proofs: Sequence[str], form: Mapping[str, str | None]
) -> Sent:
    """A call of the client's server with these proofs."""
    given, fields = party.authenticated(form)
    headers = CIMultiDict([*given.items(), *(("DPoP", proof) for proof in proofs)])
    async with (
        aiohttp.ClientSession(party.system.gateway_url) as server,
        server.post(path, data=fields, headers=headers) as got,
    ):
        return Sent(got.status, await got.json(), dict(got.headers))


async def prove(party: RelyingParty, prover: Prover, path: str, **form: str | None) -> Sent:
    """The same as a client does it: with a proof, and again with the nonce that is asked for."""
    url = f"{party.system.gateway_url}{path}"
    first = await send(party, path, [prover.proof("POST", url)], form)
    if first.outcome != (400, "use_dpop_nonce"):
        return first
    nonce = first.headers["DPoP-Nonce"]
    return await send(party, path, [prover.proof("POST", url, nonce=nonce)], form)


async def redeem(party: RelyingParty, prover: Prover, code: str, **changes: str | None) -> Sent:
    """Exchanges a code, with a proof."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
        **changes,
    }
    return await prove(party, prover, "/oauth/token", **form)


async def refresh(party: RelyingParty, prover: Prover, token: str) -> Sent:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return await prove(party, prover, "/oauth/token", **form)
