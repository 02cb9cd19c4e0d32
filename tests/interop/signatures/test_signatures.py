"""Calls signed by other people's libraries are accepted; changed ones are refused."""

import json
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519, HMAC_SHA256
from multidict import CIMultiDict

from tests.interop.signatures.signers import SIGNERS, Call, InPython, Signer, SignersKey, send
from tests.support.api_keys import Key, Owner, an_owner
from tests.support.client import Client
from tests.support.internal import tables_of_resource
from tests.support.system import Installation
from tests.unit.gateway.builders import content_digest

ME = "/resource/users/me?from=a%20program&n=1"
LABELS = "/api/v2/barong/resource/labels?n=1"


@pytest.fixture(scope="module")
async def owner(system: Installation) -> AsyncIterator[Owner]:
    async with Client(system) as client:
        yield await an_owner(client)


@pytest.fixture(autouse=True)
async def room_for_labels(system: Installation, owner: Owner) -> AsyncIterator[None]:
    """A new key; a user may have a limited number of keys."""
    yield
    async with tables_of_resource(system) as tables:
        await tables.execute("DELETE FROM labels WHERE uid = $1 AND scope = 'public'", owner.uid)


@pytest.fixture(params=SIGNERS)
def signer(request: pytest.FixtureRequest) -> Signer:
    return SIGNERS[request.param]()


@pytest.fixture(scope="module", params=["hmac-sha256", "ed25519"])
async def key(request: pytest.FixtureRequest, owner: Owner) -> SignersKey:
    if request.param == "hmac-sha256":
        made = await owner.new_key(algorithm=request.param)
        return SignersKey(made.kid, made.secret, request.param)
    return SignersKey(*_in_pem(await owner.new_ed25519_key()), request.param)


def _in_pem(key: Key) -> tuple[str, str]:
    assert key.private_key is not None
    pem = key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key.kid, pem.decode()


def reading(system: Installation) -> Call:
    return Call("GET", system.gateway_url + ME, {}, None)


def writing(system: Installation, value: str = "blue") -> Call:
    body = json.dumps({"key": f"colour-{time.time_ns()}", "value": value})
    return Call("POST", system.gateway_url + LABELS, {"Content-Type": "application/json"}, body)


async def test_a_get_with_a_query_passes(
    system: Installation, owner: Owner, signer: Signer, key: SignersKey
) -> None:
    status, me = await signer.send(reading(system), key)
    assert (status, me["uid"]) == (200, owner.uid)


async def test_a_post_with_a_body_passes(
    system: Installation, signer: Signer, key: SignersKey
) -> None:
    status, label = await signer.send(writing(system), key)
    assert (status, label["value"]) == (201, "blue")


@dataclass
class Sent:
    """What reaches the gateway; a test may change it after signing."""

    call: Call
    headers: CIMultiDict[str]

    def put(self, name: str, old: str, new: str) -> None:
        """Changes a header."""
        changed = re.sub(old, new, self.headers[name])
        assert changed != self.headers[name]
        self.headers[name] = changed

    def aim(self, old: str, new: str) -> None:
        """Changes the target."""
        assert old in self.call.url
        self.call = replace(self.call, url=self.call.url.replace(old, new))


def another_method(sent: Sent) -> None:
    sent.call = replace(sent.call, method="PUT")


def another_path(sent: Sent) -> None:
    sent.aim("/labels", "/phones")


def another_name_of_the_path(sent: Sent) -> None:
    sent.aim("/api/v2/barong/resource", "/resource")


def another_query(sent: Sent) -> None:
    sent.aim("?n=1", "?n=2")


def no_query(sent: Sent) -> None:
    sent.aim("?n=1", "")


def another_body(sent: Sent) -> None:
    assert sent.call.body is not None
    sent.call = replace(sent.call, body=sent.call.body.replace("blue", "grey"))


def no_body(sent: Sent) -> None:
    sent.call = replace(sent.call, body=None)


def another_digest(sent: Sent) -> None:
    sent.headers["Content-Digest"] = content_digest(b"another body")


def no_digest(sent: Sent) -> None:
    del sent.headers["Content-Digest"]


def an_older_second(sent: Sent) -> None:
    created = re.search(r"created=(\d+)", sent.headers["Signature-Input"])
    assert created is not None
    sent.put("Signature-Input", r"created=(\d+)", f"created={int(created[1]) - 1}")


def too_old(sent: Sent) -> None:
    sent.put("Signature-Input", r"created=(\d+)", f"created={int(time.time()) - 60}")


def too_early(sent: Sent) -> None:
    sent.put("Signature-Input", r"created=(\d+)", f"created={int(time.time()) + 60}")


def another_nonce(sent: Sent) -> None:
    sent.put("Signature-Input", r'nonce="', 'nonce="x')


def another_algorithm(sent: Sent) -> None:
    sent.put("Signature-Input", r'alg="[\w-]+"', 'alg="rsa-v1_5-sha256"')


def another_signature(sent: Sent) -> None:
    sent.put("Signature", r"=:.{8}", "=:AAAAAAAA")


def cut(sent: Sent) -> None:
    sent.put("Signature", r"=:.{4}", "=:")


def one_label_twice(sent: Sent) -> None:
    sent.headers.add("Signature-Input", sent.headers["Signature-Input"])


def another_label(sent: Sent) -> None:
    sent.put("Signature", r"^\w+=", "another=")


def too_long(sent: Sent) -> None:
    sent.headers["Signature-Input"] += f';x="{"x" * 5000}"'


def without_a_signature(sent: Sent) -> None:
    del sent.headers["Signature"]


def without_an_input(sent: Sent) -> None:
    del sent.headers["Signature-Input"]


def with_version_1(sent: Sent) -> None:
    sent.headers["X-Auth-Apikey"] = "x"


def uncovered(name: str) -> Callable[[Sent], None]:
    def change(sent: Sent) -> None:
        sent.put("Signature-Input", f' ?"{name}"', "")

    change.__name__ = f"{name} is not covered"
    return change


INVALID = (401, "authz.invalid_signature")
UNREADABLE = (422, "authz.invalid_signature_input")
REFUSED: dict[Callable[[Sent], None], tuple[int, str]] = {
    another_method: INVALID,
    another_path: INVALID,
    another_name_of_the_path: INVALID,
    another_query: INVALID,
    no_query: INVALID,
    another_body: (401, "authz.content_digest_mismatch"),
    no_body: (401, "authz.content_digest_mismatch"),
    another_digest: INVALID,
    no_digest: (422, "authz.invalid_content_digest"),
    an_older_second: INVALID,
    too_old: (401, "authz.signature_expired"),
    too_early: (401, "authz.signature_expired"),
    another_nonce: INVALID,
    another_algorithm: (401, "authz.wrong_signature_algorithm"),
    another_signature: INVALID,
    cut: INVALID,
    one_label_twice: UNREADABLE,
    another_label: UNREADABLE,
    too_long: UNREADABLE,
    without_a_signature: UNREADABLE,
    without_an_input: UNREADABLE,
    with_version_1: (422, "authz.invalid_api_key_headers"),
    uncovered("@method"): (422, "authz.missing_component"),
    uncovered("@path"): (422, "authz.missing_component"),
    uncovered("@query"): (422, "authz.missing_component"),
    uncovered("content-digest"): (422, "authz.missing_component"),
}


@pytest.mark.parametrize("change", REFUSED, ids=lambda change: change.__name__)
async def test_a_changed_call_is_refused(
    system: Installation, signer: Signer, key: SignersKey, change: Callable[[Sent], None]
) -> None:
    call = writing(system)
    sent = Sent(call, CIMultiDict(await signer.sign(call, key)))
    original = sent.headers.copy()
    change(sent)
    status, code = REFUSED[change]
    assert await send(sent.call, sent.headers) == (status, {"errors": [code]})
    assert (await send(call, original))[0] == 201, "the refused call used up the nonce"


async def test_a_call_passes_once(system: Installation, signer: Signer, key: SignersKey) -> None:
    for call in (reading(system), writing(system)):
        headers = await signer.sign(call, key)
        assert (await send(call, headers))[0] in (200, 201)
        assert await send(call, headers) == (401, {"errors": ["authz.nonce_used"]})


async def test_another_key_signs_for_nobody_else(
    system: Installation, owner: Owner, signer: Signer, key: SignersKey
) -> None:
    if key.algorithm == "ed25519":
        another = _in_pem(await owner.new_ed25519_key())[1]
    else:
        another = (await owner.new_key(algorithm=key.algorithm)).secret
    told = await signer.send(reading(system), replace(key, key=another))
    assert told == (401, {"errors": ["authz.invalid_signature"]})


FIELDS = {"X-A": "1", "X-D": "a=1", "Accept": "*/*"}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"expires": timedelta(seconds=60)}, 200),
        ({"expires": timedelta(seconds=-1)}, "authz.signature_expired"),
        ({"created": timedelta(seconds=-60)}, "authz.signature_expired"),
        ({"created": timedelta(seconds=60)}, "authz.signature_expired"),
        ({"nonce": None}, "authz.invalid_signature_input"),
        ({"nonce": "x" * 129}, "authz.invalid_signature_input"),
        ({"include_alg": False}, 200),
        ({"tag": "barong"}, 200),
        ({"tag": "another"}, "authz.invalid_signature_input"),
        ({"label": "mine"}, 200),
        ({"covered_component_ids": ("@method", "@target-uri")}, 200),
        ({"covered_component_ids": ("@method", "@request-target", "@authority", "@scheme")}, 200),
        ({"covered_component_ids": ("@method", "@path", "@query", '"@query-param";name="n"')}, 200),
        ({"covered_component_ids": ("@method", "@path", "@query", "x-a")}, 200),
        ({"covered_component_ids": ("@method", "@path", "@query", '"x-a";bs')}, "component"),
        ({"covered_component_ids": ("@method", "@path", "@query", '"accept";sf')}, "component"),
        ({"covered_component_ids": ("@method", "@path", "@query", '"x-d";key="a"')}, "component"),
        ({"covered_component_ids": ("@path", "@query")}, "authz.missing_component"),
        ({"covered_component_ids": ("@method", "@path")}, "authz.missing_component"),
        ({"covered_component_ids": ("@method", "@authority")}, "authz.missing_component"),
    ],
)
async def test_what_a_signature_may_and_has_to_have(
    system: Installation, key: SignersKey, more: dict[str, Any], told: int | str
) -> None:
    """As Python's library makes it, which leaves most decisions to its caller."""
    now = datetime.now(UTC)
    options: dict[str, Any] = {
        "nonce": f"nonce {time.time_ns()}",
        "covered_component_ids": ("@method", "@path", "@query"),
        **{name: now + v if isinstance(v, timedelta) else v for name, v in more.items()},
    }
    call = reading(system)
    request = SimpleNamespace(method="GET", url=call.url, headers=dict(FIELDS))
    signer = HTTPMessageSigner(
        signature_algorithm=ED25519 if key.algorithm == "ed25519" else HMAC_SHA256,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key.kid: key.key.encode()}),
    )
    signer.sign(request, key_id=key.kid, **options)
    status, body = await send(call, request.headers)
    if told == 200:
        assert status == 200
    else:
        code = "authz.invalid_component" if told == "component" else told
        assert body == {"errors": [code]}


async def test_of_several_signatures_ours_has_the_tag(
    system: Installation, key: SignersKey
) -> None:
    """Signed twice, for example by the client and by its own proxy."""
    call = reading(system)
    both = await InPython().sign(call, key)
    request = SimpleNamespace(method="GET", url=call.url, headers=both)
    for kid, tag, told in (("another", "proxy", 422), (key.kid, "barong", 200)):
        signer = HTTPMessageSigner(
            signature_algorithm=ED25519 if key.algorithm == "ed25519" else HMAC_SHA256,
            key_resolver=MappingKeyResolver(public_keys={}, private_keys={kid: key.key.encode()}),
        )
        signer.sign(
            request,
            key_id=kid,
            nonce=f"{tag} {time.time_ns()}",
            label=tag,
            tag=tag,
            covered_component_ids=("@method", "@path", "@query"),
            append_if_signature_exists=True,
        )
        assert (await send(call, request.headers))[0] == told
