"""Proofs of keys, and their nonces (RFC 9449), and the vectors that it has."""

import base64
import struct

import pytest

from shared.crypto.key_ring import KeyRing
from shared.tokens.dpop import BadProof, ProofNonces, digest_of_token, normalized, read_proof
from tests.support.dpop import Prover

URL = "https://server.example.com/token"
NOW = 1_562_262_616
RFC_PROOF = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMz"
    "R0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10N"
    "nY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9T"
    "VCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8"
    "lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
"""RFC 9449, figure 1."""

RFC_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
KEYS = {"b": b"b" * 32, "a": b"a" * 32}


def test_the_proof_of_the_rfc_is_good() -> None:
    proof = read_proof([RFC_PROOF])

    proof.require("POST", URL, NOW)
    assert proof.jti == "-BwC3ESc6acc2lTc"
    assert proof.thumbprint == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_ath_is_as_in_the_rfc() -> None:
    assert digest_of_token(RFC_TOKEN) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


@pytest.mark.parametrize("algorithm", ["ES256", "Ed25519"])
def test_a_proof_shows_its_key(algorithm: str) -> None:
    prover = Prover(algorithm)

    proof = read_proof([prover.proof("POST", URL, iat=NOW, token="t")])

    proof.require("POST", URL, NOW + 60, "t")
    assert proof.thumbprint == prover.thumbprint


@pytest.mark.parametrize(
    ("method", "url", "now", "token"),
    [
        ("GET", URL, NOW, None),
        ("post", URL, NOW, None),
        ("POST", f"{URL}s", NOW, None),
        ("POST", URL, NOW + 61, None),
        ("POST", URL, NOW - 61, None),
        ("POST", URL, NOW, "t"),
    ],
)
def test_a_proof_is_for_one_request(method: str, url: str, now: float, token: str | None) -> None:
    proof = read_proof([RFC_PROOF])

    with pytest.raises(BadProof):
        proof.require(method, url, now, token)


@pytest.mark.parametrize("position", range(0, len(RFC_PROOF), 7))
def test_a_changed_proof_is_bad(position: int) -> None:
    letter = "A" if RFC_PROOF[position] != "A" else "B"
    changed = RFC_PROOF[:position] + letter + RFC_PROOF[position + 1 :]
    if decoded(changed) == decoded(RFC_PROOF):
        return  # the last letter of a part has bits that do not count

    with pytest.raises(BadProof):
        read_proof([changed])


def decoded(proof: str) -> list[bytes]:
    return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in proof.split(".")]


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "header",
    [
        "[]",
        "7",
        "null",
        "{}",
        '{"alg":"none","typ":"dpop+jwt"}',
        '{"alg":"ES256","typ":"dpop+jwt","jwk":[]}',
        '{"alg":"ES256","typ":"dpop+jwt","jwk":{"kty":"EC","crv":"P-256"}}',
        '{"alg":"ES256","typ":"dpop+jwt","jwk":{"kty":"EC","crv":"P-256","x":7,"y":[]}}',
        '{"alg":"ES256","typ":"dpop+jwt","jwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}}',
        '{"alg":"ES256","typ":"dpop+jwt","jwk":{"kty":["EC"],"crv":"P-256"}}',
        '{"alg":["ES256"],"typ":"dpop+jwt","jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}}',
        '{"alg":"HS256","typ":"dpop+jwt","jwk":{"kty":"oct","k":"AAAA"}}',
        '{"alg":"ES256","typ":"dpop+jwt","b64":false,"crit":["b64"],"jwk":{"kty":"EC"}}',
        "{" * 900,
        "[" * 900,
        "\ud7ff",
    ],
)
def test_broken_headers_are_bad_proofs_and_nothing_else(header: str) -> None:
    for payload in ("{}", "[]", "x"):
        with pytest.raises(BadProof):
            read_proof([f"{encoded(header)}.{encoded(payload)}.AAAA"])


@pytest.mark.parametrize("text", ["", ".", "..", "...", "a.b.c", "é.é.é", "\x00.\x00.\x00", "{}"])
def test_other_texts_are_bad_proofs(text: str) -> None:
    with pytest.raises(BadProof):
        read_proof([text])


@pytest.mark.parametrize("values", [[], [RFC_PROOF, RFC_PROOF]])
def test_there_is_exactly_one_proof(values: list[str]) -> None:
    with pytest.raises(BadProof):
        read_proof(values)


def test_two_proofs_are_the_same_by_key_and_id() -> None:
    one, other = Prover(), Prover()

    def identity(prover: Prover, jti: str) -> bytes:
        return read_proof([prover.proof("POST", URL, iat=NOW, jti=jti)]).identity

    assert identity(one, "a") == identity(one, "a")
    assert len({identity(one, "a"), identity(one, "b"), identity(other, "a")}) == 3
    assert len(identity(one, "\ud800")) == 32


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://Example.COM", "https://example.com/"),
        ("HTTPS://example.com:443/a?b#c", "https://example.com/a"),
        ("http://example.com:80/", "http://example.com/"),
        ("http://example.com:8080/", "http://example.com:8080/"),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("https://example.com/%7euser/%2f", "https://example.com/~user/%2F"),
        ("https://example.com/A", "https://example.com/A"),
        ("https://user@example.com/", ""),
        ("https://example.com:x/", ""),
        ("https://[::1/", ""),
        ("ftp://example.com/", ""),
        ("/token", ""),
        ("", ""),
    ],
)
def test_addresses_have_one_spelling(url: str, wanted: str) -> None:
    assert normalized(url) == wanted


def test_a_nonce_lives_for_five_minutes() -> None:
    now = [float(NOW)]
    nonces = ProofNonces(KeyRing(KEYS), clock=lambda: now[0])
    nonce = nonces.new()

    for later, good in ((0, True), (300, True), (301, False), (-60, True), (-61, False)):
        now[0] = NOW + later
        assert nonces.accept(nonce) is good


def test_a_nonce_holds_while_its_key_is_in_the_ring() -> None:
    def ring(*names: str) -> ProofNonces:
        return ProofNonces(KeyRing({name: KEYS[name] for name in names}), clock=lambda: NOW)

    nonce = ring("a").new()

    assert ring("b", "a").accept(nonce)
    assert not ring("b").accept(nonce)


@pytest.mark.parametrize("change", range(32))
def test_a_changed_nonce_is_nobodys(change: int) -> None:
    nonces = ProofNonces(KeyRing(KEYS), clock=lambda: NOW)
    nonce = nonces.new()
    letter = "A" if nonce[change] != "A" else "B"

    assert not nonces.accept(nonce[:change] + letter + nonce[change + 1 :])


@pytest.mark.parametrize("nonce", [None, "", "x", "é", "AAAA", "A" * 32, "=" * 32, "\ud800"])
def test_other_texts_are_no_nonces(nonce: str | None) -> None:
    assert not ProofNonces(KeyRing(KEYS)).accept(nonce)


def test_nobody_can_make_a_nonce_from_its_time() -> None:
    text = base64.urlsafe_b64encode(struct.pack(">Q", NOW) + b"\x00" * 16).decode()

    assert not ProofNonces(KeyRing(KEYS), clock=lambda: NOW).accept(text)
