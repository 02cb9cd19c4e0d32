"""/resource/api_keys, through the gateway, and what the gateway is told of them."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from resource_svc.api_keys.public_key import in_base64url
from shared.contracts.api_keys import SigningKey
from shared.contracts.services import GATEWAY
from shared.errors import NotFound, Unavailable
from tests.support.authenticator import Authenticator, early_in_a_step, second_factor_of
from tests.support.client import Answer, Client
from tests.support.events import WRITTEN, Ear
from tests.support.internal import (
    AT_HOME,
    identity_of,
    put_private_label,
    resource_of,
    tables_of_identity,
    tables_of_resource,
)
from tests.support.own_service import member_of
from tests.support.seeds import outcome
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

API_KEYS = "resource/api_keys"
SPACES = "   "
NO_ALGORITHM = ["resource.apikey.missing_algorithm", "resource.apikey.empty_algorithm"]
NO_CODE = ["resource.api_key.missing_totp", "resource.apikey.empty_totp_code"]
NO_CODE_LATER = ["resource.apikey.missing_totp_code", "resource.apikey.empty_totp_code"]
DISABLED = ["resource.api_key.2fa_disabled"]


class Owner:
    """A user with a second factor, whose codes work any number of times."""

    def __init__(self, client: Client, uid: str, authenticator: Authenticator) -> None:
        self.client = client
        self.uid = uid
        self.authenticator = authenticator

    async def code(self) -> str:
        """A code that was not used yet."""
        async with tables_of_identity(self.client.system) as tables:
            await tables.execute("UPDATE second_factors SET last_step = 0 WHERE uid = $1", self.uid)
        return self.authenticator.code()

    async def log_in(self) -> None:
        """A new session: the second factor was turned on elsewhere, which ended the first."""
        form = {"email": self.client.email, "password": PASSWORD, "otp_code": await self.code()}
        assert (await self.client.post("identity/sessions", form)).status == 201

    async def create(self, **form: str) -> Answer:
        form = {"algorithm": "HS256", "totp_code": await self.code(), **form}
        return await self.client.post(API_KEYS, form)

    async def change(self, kid: str, **form: str) -> Answer:
        form = {"totp_code": await self.code(), **form}
        return await self.client.call("PATCH", f"{API_KEYS}/{kid}", form)

    async def delete(self, kid: str) -> Answer:
        code = {"totp_code": await self.code()}
        return await self.client.call("DELETE", f"{API_KEYS}/{kid}", params=code)

    async def keys(self) -> Any:
        return (await self.client.get(API_KEYS)).body


async def an_owner(client: Client) -> Owner:
    uid = (await client.become_member()).body["uid"]
    return Owner(client, uid, await second_factor_of(client, uid))


@pytest.fixture
async def owner(client: Client) -> Owner:
    """A user with a second factor, logged in."""
    made = await an_owner(client)
    await made.log_in()
    return made


@pytest.fixture(scope="module")
async def member(system: Installation) -> AsyncIterator[Client]:
    """A member without a second factor."""
    async with Client(system) as made:
        await made.become_member()
        yield made


async def signing_key(system: Installation, kid: str) -> SigningKey:
    async with resource_of(system, GATEWAY) as resource:
        return await resource.api_key(kid)


async def test_a_key_is_made_shown_changed_and_deleted(
    owner: Owner, system: Installation, ear: Ear
) -> None:
    created = await owner.create(scope="trade, read,trade", kid="mykid")
    assert created.status == 201
    key = created.body
    assert list(key) == [
        *("kid", "algorithm", "scope", "state", "secret", "created_at", "updated_at")
    ]
    assert re.fullmatch("[0-9a-f]{16}", key["kid"])
    assert re.fullmatch("[0-9a-f]{32}", key["secret"])
    assert (key["algorithm"], key["scope"], key["state"]) == ("HS256", ["trade", "read"], "active")

    secret = key.pop("secret")
    listed = await owner.client.get(API_KEYS)
    assert listed.body == [key]
    assert (listed.headers["Total"], listed.headers["Per-Page"]) == ("1", "100")
    assert await signing_key(system, key["kid"]) == SigningKey(
        kid=key["kid"],
        uid=owner.uid,
        secret=secret,
        scope=("trade", "read"),
        state="active",
        algorithm="HS256",
    )

    for state in ("disabled", "active", "inactive"):
        changed = await owner.change(key["kid"], state=state)
        assert (changed.status, changed.body["state"]) == (200, state)
        assert (await signing_key(system, key["kid"])).state == state
    rescoped = await owner.change(key["kid"], scope="read")
    assert (rescoped.body["scope"], rescoped.body["state"]) == (["read"], "inactive")
    assert set(rescoped.body) == set(key)
    unchanged = await owner.change(key["kid"], scope="read", state="inactive")
    assert unchanged.body == rescoped.body

    deleted = await owner.delete(key["kid"])
    assert (deleted.status, deleted.body) == (204, "")
    assert (await owner.delete(key["kid"])).errors == ["record.not_found"]
    assert await owner.keys() == []
    with pytest.raises(NotFound):
        await signing_key(system, key["kid"])

    async def heard() -> list[Any]:
        mine = [e for e in ear.events if e.record.get("kid") == key["kid"]]
        return mine if len(mine) == 6 and all(e.id in ear.legacy for e in mine) else []

    events = await until(heard)
    assert [event.name.rpartition(".")[2] for event in events] == [
        *("created", "updated", "updated", "updated", "updated", "deleted")
    ]
    assert [dict(event.changes) for event in events[1:5]] == [
        {"state": "active"},
        {"state": "disabled"},
        {"state": "active"},
        {"scope": ["trade", "read"]},
    ]
    for event in events:
        assert event.record["user"]["uid"] == owner.uid
        assert secret not in str(event)


CREATE_REFUSED: list[tuple[dict[str, str], list[str]]] = [
    ({}, [*NO_ALGORITHM, *NO_CODE]),
    ({"totp_code": "1"}, NO_ALGORITHM),
    *(({"algorithm": blank, "totp_code": "1"}, NO_ALGORITHM[1:]) for blank in ("", SPACES)),
    ({"algorithm": "HS256"}, NO_CODE),
    *(({"algorithm": "HS256", "totp_code": blank}, NO_CODE[1:]) for blank in ("", SPACES)),
    *(
        (
            {"algorithm": "HS256", "totp_code": "1", "scope": blank},
            ["resource.apikey.empty_scope"],
        )
        for blank in ("", SPACES)
    ),
]


@pytest.mark.parametrize(("form", "codes"), CREATE_REFUSED)
async def test_what_a_new_key_lacks_is_told_before_the_second_factor_is_asked_for(
    member: Client, form: dict[str, str], codes: list[str]
) -> None:
    answer = await member.post(API_KEYS, form)
    assert (answer.status, answer.errors) == (400, codes)


CHANGE_REFUSED: list[tuple[dict[str, str], list[str]]] = [
    ({}, NO_CODE_LATER),
    *(({"totp_code": blank}, NO_CODE_LATER[1:]) for blank in ("", SPACES)),
    ({"totp_code": "1", "state": ""}, ["resource.apikey.empty_state"]),
    ({"totp_code": "1", "scope": ""}, ["resource.apikey.empty_scope"]),
    (
        {"scope": "", "state": ""},
        ["resource.apikey.empty_scope", "resource.apikey.empty_state", *NO_CODE_LATER],
    ),
]


@pytest.mark.parametrize(("form", "codes"), CHANGE_REFUSED)
async def test_what_a_change_lacks_is_told(
    member: Client, form: dict[str, str], codes: list[str]
) -> None:
    answer = await member.call("PATCH", f"{API_KEYS}/0123456789abcdef", form)
    assert (answer.status, answer.errors) == (400, codes)


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ({}, NO_CODE_LATER),
        ({"totp_code": ""}, NO_CODE_LATER[1:]),
        ({"totp_code": SPACES}, NO_CODE_LATER[1:]),
    ],
)
async def test_what_a_deletion_lacks_is_told(
    member: Client, query: dict[str, str], codes: list[str]
) -> None:
    answer = await member.call("DELETE", f"{API_KEYS}/0123456789abcdef", params=query)
    assert (answer.status, answer.errors) == (400, codes)


async def test_without_a_second_factor_there_are_no_keys(member: Client, owner: Owner) -> None:
    foreign = (await owner.create()).body["kid"]
    code = {"totp_code": "123456"}
    listed = await member.get(API_KEYS)
    assert (listed.status, listed.body, listed.headers["Total"]) == (200, [], "0")
    for answer in (
        await member.post(API_KEYS, {"algorithm": "HS256", **code}),
        await member.post(API_KEYS, {"algorithm": "nope", **code}),
        await member.call("PATCH", f"{API_KEYS}/{foreign}", {"state": "inactive", **code}),
        await member.call("DELETE", f"{API_KEYS}/{foreign}", params=code),
    ):
        assert (answer.status, answer.errors) == (400, DISABLED)


async def test_a_wrong_code_does_nothing(owner: Owner) -> None:
    kid = (await owner.create()).body["kid"]
    for wrong in (
        owner.authenticator.wrong_code(),
        "1",
        "x" * 300,
        "\uff10\uff10\uff10\uff10\uff10\uff11",
    ):
        code = {"totp_code": wrong}
        for answer in (
            await owner.client.post(API_KEYS, {"algorithm": "HS256", **code}),
            await owner.client.call("PATCH", f"{API_KEYS}/{kid}", {"state": "inactive", **code}),
            await owner.client.call("DELETE", f"{API_KEYS}/{kid}", params=code),
        ):
            assert (answer.status, answer.errors) == (422, ["resource.api_key.invalid_totp"])
    assert [(key["kid"], key["state"]) for key in await owner.keys()] == [(kid, "active")]


async def test_a_code_counts_once(owner: Owner) -> None:
    await early_in_a_step()
    form = {"algorithm": "HS256", "totp_code": await owner.code()}
    answers = await asyncio.gather(*(owner.client.post(API_KEYS, form) for _ in range(10)))
    assert sorted(answer.status for answer in answers) == [201] + [422] * 9
    assert {code for a in answers if a.status == 422 for code in a.errors} == {"totp.error"}
    assert len(await owner.keys()) == 1


@pytest.mark.parametrize(
    ("form", "codes"),
    [
        ({"algorithm": "HS512"}, ["algorithm.inclusion"]),
        ({"algorithm": "RS256", "kid": "mine"}, ["algorithm.inclusion"]),
        ({"algorithm": "RS256"}, ["kid.blank", "algorithm.inclusion"]),
        ({"algorithm": "hs256"}, ["kid.blank", "algorithm.inclusion"]),
        ({"algorithm": "HS256-STRICT"}, ["algorithm.inclusion"]),
        (
            {"algorithm": "Ed25519", "kid": "mine", "public_key": "x"},
            ["algorithm.inclusion"],
        ),
        ({"scope": "trade,,read"}, ["scope.invalid"]),
        ({"scope": "trade read"}, ["scope.invalid"]),
        ({"scope": "x" * 65}, ["scope.invalid"]),
        ({"scope": "é"}, ["scope.invalid"]),
        ({"scope": "a\nb"}, ["scope.invalid"]),
        ({"scope": ",".join(map(str, range(33)))}, ["scope.too_long"]),
        (
            {"algorithm": "nope", "scope": "?"},
            ["kid.blank", "algorithm.inclusion", "scope.invalid"],
        ),
    ],
)
async def test_what_a_key_may_not_be_is_refused(
    owner: Owner, form: dict[str, str], codes: list[str]
) -> None:
    answer = await owner.create(**form)
    assert (answer.status, answer.errors) == (422, codes)
    assert await owner.keys() == []


async def test_what_a_key_may_not_become_is_refused(owner: Owner) -> None:
    key = (await owner.create(scope="read")).body
    for form, codes in (
        ({"state": "nope"}, ["state.inclusion"]),
        ({"state": "ACTIVE"}, ["state.inclusion"]),
        ({"scope": "?"}, ["scope.invalid"]),
        ({"scope": "?", "state": "nope"}, ["scope.invalid", "state.inclusion"]),
    ):
        answer = await owner.change(key["kid"], **form)
        assert (answer.status, answer.errors) == (422, codes)
    del key["secret"]
    assert await owner.keys() == [key]


def a_public_key() -> tuple[str, str]:
    """In PEM and in base64url."""
    public = Ed25519PrivateKey.generate().public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return pem, in_base64url(public.public_bytes_raw())


async def test_a_key_with_a_public_key_has_no_secret(
    owner: Owner, admin: Client, system: Installation, ear: Ear
) -> None:
    pem, raw = a_public_key()
    made = [
        await owner.create(algorithm="ed25519", public_key=pem, scope="trade"),
        await owner.create(algorithm="ed25519", public_key=raw),
    ]
    for answer in made:
        assert answer.status == 201
        assert set(answer.body) == {
            *("kid", "algorithm", "scope", "state", "public_key", "created_at", "updated_at")
        }
        assert (answer.body["algorithm"], answer.body["public_key"]) == ("ed25519", raw)
    first = made[0].body
    assert await owner.keys() == [answer.body for answer in made]
    assert await signing_key(system, first["kid"]) == SigningKey(
        kid=first["kid"],
        uid=owner.uid,
        secret=None,
        public_key=raw,
        scope=("trade",),
        state="active",
        algorithm="ed25519",
    )
    changed = await owner.change(first["kid"], state="disabled")
    assert changed.body == first | {
        "state": "disabled",
        "updated_at": changed.body["updated_at"],
    }
    export = (await owner.client.get("resource/users/me/export")).body
    assert [each["public_key"] for each in export["api_keys"]] == [raw, raw]
    seen = await admin.get("admin/api_keys", params={"uid": owner.uid})
    assert [set(each) for each in seen.body] == [set(first) - {"public_key"}] * 2

    async def heard() -> list[Any]:
        mine = [e for e in ear.events if e.record.get("kid") == first["kid"]]
        return mine if len(mine) == 2 else []

    for event in await until(heard):
        assert set(event.record) == {"user", *first} - {"public_key"}


@pytest.mark.parametrize("algorithm", ["HS256", "hmac-sha256"])
async def test_only_ed25519_has_a_public_key(owner: Owner, algorithm: str) -> None:
    key = (await owner.create(algorithm=algorithm)).body
    assert (key["algorithm"], len(key["secret"]), "public_key" in key) == (algorithm, 32, False)
    refused = await owner.create(algorithm=algorithm, public_key=a_public_key()[1])
    assert (refused.status, refused.errors) == (422, ["public_key.unexpected"])


@pytest.mark.parametrize(
    ("form", "codes"),
    [
        ({}, ["public_key.blank"]),
        ({"public_key": ""}, ["public_key.invalid"]),
        ({"public_key": "x" * 43}, ["public_key.invalid"]),
        ({"public_key": "A" * 43}, ["public_key.invalid"]),  # of small order
        ({"public_key": "x" * 1001}, ["public_key.invalid"]),
        ({"public_key": "x", "scope": "?"}, ["public_key.invalid", "scope.invalid"]),
    ],
)
async def test_what_is_no_public_key_is_refused(
    owner: Owner, form: dict[str, str], codes: list[str]
) -> None:
    answer = await owner.create(algorithm="ed25519", **form)
    assert (answer.status, answer.errors) == (422, codes)
    assert await owner.keys() == []


async def test_scopes_may_be_a_list_in_json(owner: Owner) -> None:
    code = await owner.code()
    form: dict[str, Any] = {"algorithm": "HS256", "totp_code": code, "scope": ["read", "a:b/*"]}
    created = await owner.client.post(API_KEYS, json=form)
    assert (created.status, created.body["scope"]) == (201, ["read", "a:b/*"])
    for bad, status, codes in (
        ([], 400, ["resource.apikey.empty_scope"]),
        ([1], 422, ["scope.invalid"]),
        ({"a": "b"}, 422, ["scope.invalid"]),
        (True, 422, ["scope.invalid"]),
    ):
        answer = await owner.client.post(API_KEYS, json=form | {"scope": bad})
        assert (answer.status, answer.errors) == (status, codes)


async def test_another_users_key_is_nobodys(owner: Owner, system: Installation) -> None:
    kid = (await owner.create()).body["kid"]
    async with Client(system) as other_client:
        other = await an_owner(other_client)
        await other.log_in()
        for answer in (
            await other.change(kid, state="inactive"),
            await other.delete(kid),
            await other.change(kid.upper(), state="inactive"),
            await other.delete("nope"),
        ):
            assert (answer.status, answer.errors) == (404, ["record.not_found"])
    assert (await signing_key(system, kid)).state == "active"


async def test_a_user_has_a_limited_number_of_keys(owner: Owner, system: Installation) -> None:
    await owner.create()
    async with tables_of_resource(system) as tables:
        await tables.execute(
            """
            INSERT INTO api_keys (kid, uid, algorithm, scope, state, secret)
            SELECT uid || n, uid, algorithm, scope, 'inactive', secret
            FROM api_keys, generate_series(1, 49) AS n
            WHERE uid = $1
            """,
            owner.uid,
        )
    answer = await owner.create()
    assert (answer.status, answer.errors) == (422, ["resource.api_key.limit_reached"])
    page = await owner.client.get(API_KEYS, params={"page": 2, "limit": 20})
    assert (len(page.body), page.headers["Total"], page.headers["Page"]) == (20, "50", "2")
    async with tables_of_resource(system) as tables:
        await tables.execute("DELETE FROM api_keys WHERE uid = $1", owner.uid)


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ({"page": "0"}, ["non_positive_page"]),
        ({"limit": "101"}, ["invalid_limit"]),
        ({"page": "abc"}, ["non_integer_page", "non_positive_page"]),
        ({"limit": "abc"}, ["non_integer_limit", "invalid_limit"]),
    ],
)
async def test_a_page_that_cannot_be_is_refused(
    member: Client, query: dict[str, str], codes: list[str]
) -> None:
    answer = await member.get(API_KEYS, params=query)
    assert (answer.status, answer.errors) == (422, codes)


async def test_secrets_may_have_the_shape_of_vaults(system: Installation) -> None:
    async with member_of(system, BARONG_VAULT_SHAPED_SECRETS="true") as client:
        uid = (await client.get("resource/users/me")).body["uid"]
        owner = Owner(client, uid, await second_factor_of(client, uid))
        await owner.log_in()
        key = (await owner.create()).body
        secret = (await signing_key(system, key["kid"])).secret
        assert key["secret"] == {"data": {"value": secret}}


async def test_keys_end_with_the_second_factor(
    owner: Owner, system: Installation, ear: Ear
) -> None:
    kids = [(await owner.create()).body["kid"] for _ in range(2)]
    async with identity_of(system) as identity:
        await identity.disable_second_factor(owner.uid, await owner.code(), AT_HOME)

    async def inactive() -> bool:
        return [(await signing_key(system, kid)).state for kid in kids] == ["inactive"] * 2

    assert await until(inactive)
    assert await owner.keys() == []

    async def heard() -> list[Any]:
        ended = [e for e in ear.events if e.name == "model.api_key.updated"]
        return [e for e in ended if e.record["kid"] in kids and e.changes == {"state": "active"}]

    assert len(await until(lambda: _two(heard))) == 2
    # They stay as they are when it comes back.
    owner.authenticator = await second_factor_of(owner.client, owner.uid)
    assert await inactive()


async def _two(ask: Any) -> list[Any]:
    found = await ask()
    return found if len(found) == 2 else []


async def test_keys_outlive_a_late_event_from_before_the_second_factor(
    owner: Owner, system: Installation
) -> None:
    kid = (await owner.create()).body["kid"]
    late = uuid.uuid4()
    async with tables_of_identity(system) as tables:
        await tables.execute(
            f"""
            INSERT INTO outbox (event_id, name, record, changes, snapshot)
            SELECT $1, name, record, changes, snapshot
            FROM {WRITTEN}
            WHERE name = 'model.user.updated'
              AND record ->> 'uid' = $2
              AND NOT (record ->> 'otp')::boolean
            ORDER BY created_at
            LIMIT 1
            """,
            late,
            owner.uid,
        )

    async def handled() -> bool:
        async with tables_of_resource(system) as tables:
            query = "SELECT true FROM inbox WHERE event_id = $1"
            return bool(await tables.fetchval(query, late))

    assert await until(handled)
    assert (await signing_key(system, kid)).state == "active"


@pytest.mark.parametrize(("key", "value"), [("ban", "spam"), ("suspicious", "login")])
async def test_keys_end_with_the_active_state(
    owner: Owner, system: Installation, key: str, value: str
) -> None:
    kid = (await owner.create()).body["kid"]
    await put_private_label(system, owner.uid, key, value)

    async def inactive() -> bool:
        return (await signing_key(system, kid)).state == "inactive"

    assert await until(inactive)


async def test_keys_outlive_other_changes(owner: Owner, system: Installation) -> None:
    kid = (await owner.create()).body["kid"]
    await put_private_label(system, owner.uid, "phone", "verified")

    async def risen() -> bool:
        async with tables_of_resource(system) as tables:
            return bool(
                await tables.fetchval(
                    "SELECT true FROM users WHERE uid = $1 AND level = 2", owner.uid
                )
            )

    assert await until(risen)
    assert (await signing_key(system, kid)).state == "active"


async def test_a_secret_opens_only_in_its_own_row(owner: Owner, system: Installation) -> None:
    first, second = [(await owner.create()).body for _ in range(2)]
    async with tables_of_resource(system) as tables:
        sealed = await tables.fetchval("SELECT secret FROM api_keys WHERE kid = $1", first["kid"])
        assert first["secret"].encode() not in sealed
        await tables.execute(
            "UPDATE api_keys SET secret = $2 WHERE kid = $1", second["kid"], sealed
        )
    with pytest.raises(Unavailable):
        await signing_key(system, second["kid"])
    await owner.delete(second["kid"])


async def test_secrets_are_sealed_anew_under_a_new_key(owner: Owner, system: Installation) -> None:
    key = (await owner.create()).body
    old = system.environments["resource"]["BARONG_MASTER_KEYS"]
    new = "new" + old[old.index(":") :]
    code, output = await outcome(
        "resource_svc",
        "reencrypt",
        {**system.environments["resource"], "BARONG_MASTER_KEYS": f"{new},{old}"},
    )
    assert (code, "sealed under the first key" in output) == (0, True)
    code, output = await outcome("resource_svc", "reencrypt", system.environments["resource"])
    assert code == 1
    assert "BARONG_MASTER_KEYS lacks" in output
    await outcome(
        "resource_svc",
        "reencrypt",
        {**system.environments["resource"], "BARONG_MASTER_KEYS": f"{old},{new}"},
    )
    assert (await signing_key(system, key["kid"])).secret == key["secret"]


async def test_nobody_but_the_gateway_is_told_secrets(owner: Owner, system: Installation) -> None:
    kid = (await owner.create()).body["kid"]
    async with resource_of(system) as resource:
        with pytest.raises(Unavailable):
            await resource.api_key(kid)
