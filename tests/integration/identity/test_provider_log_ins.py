"""A log-in by another OpenID provider: who it logs in, and every lie that it may tell."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.authenticator import second_factor_of
from tests.support.client import Answer, Client
from tests.support.ended_session import answer_of_an_ended_session
from tests.support.events import Ear
from tests.support.internal import tables_of_identity
from tests.support.openid_provider import (
    CLIENT_ID,
    OpenIdProvider,
    Person,
    openid_provider,
    provider_file,
    settings_of,
    signed,
)
from tests.support.own_service import client_of, installation_with
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

ASK, LOG_IN = "identity/sessions/provider/request", "identity/sessions/provider"
LINKED, LINK = "resource/linked_accounts", "resource/linked_accounts/request"
INVALID = (422, ["log_in_provider.invalid"])
INVALID_TOKEN = (422, ["log_in_provider.invalid_token"])
UNAVAILABLE = (503, ["log_in_provider.unavailable"])


@pytest.fixture(scope="module")
async def stand_in() -> AsyncIterator[OpenIdProvider]:
    async with openid_provider() as made:
        yield made


@pytest.fixture
def provider(stand_in: OpenIdProvider) -> OpenIdProvider:
    stand_in.start_anew()
    return stand_in


@pytest.fixture(scope="module")
async def mine(
    system: Installation, stand_in: OpenIdProvider, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installation]:
    """The system with the provider."""
    file = provider_file(tmp_path_factory.mktemp("providers"), stand_in)
    async with installation_with(system, "identity", **settings_of(file)) as made:
        yield made


@pytest.fixture
async def visitor(mine: Installation, provider: OpenIdProvider) -> AsyncIterator[Client]:
    """A browser without a session."""
    async with Client(mine) as made:
        yield made


@pytest.fixture
async def elsewhere(mine: Installation) -> AsyncIterator[Client]:
    """Another browser."""
    async with Client(mine) as made:
        yield made


@pytest.fixture
async def member(visitor: Client) -> Client:
    await visitor.become_member()
    return visitor


@pytest.fixture
async def fresh(
    system: Installation, provider: OpenIdProvider, tmp_path: Path
) -> AsyncIterator[Client]:
    """A browser of an installation that knows nothing of the provider yet."""
    settings = settings_of(provider_file(tmp_path, provider))
    async with client_of(system, "identity", **settings) as made:
        yield made


async def asked(client: Client) -> str:
    """The address to which the browser is sent."""
    answer = await client.post(ASK, {"provider": "example"})
    assert answer.status == 201, answer.body
    return str(answer.body["url"])


async def back(client: Client, provider: OpenIdProvider, person: Person) -> dict[str, str]:
    """With what the browser comes back from the provider."""
    return provider.come_back(await asked(client), person)


async def log_in(client: Client, given: dict[str, str], **form: str) -> Answer:
    return await client.post(LOG_IN, {"provider": "example", **given, **form})


async def logged_in(client: Client, provider: OpenIdProvider, person: Person) -> Answer:
    return await log_in(client, await back(client, provider, person))


async def linked(client: Client, provider: OpenIdProvider, person: Person) -> Answer:
    answer = await client.post(LINK, {"provider": "example"})
    assert answer.status == 201, answer.body
    given = provider.come_back(answer.body["url"], person)
    assert given["state"].startswith("link.")
    return await client.post(LINKED, {"provider": "example", **given})


def refusal(answer: Answer) -> tuple[int, list[str]]:
    return answer.status, answer.errors


async def user_of(client: Client) -> dict[str, Any]:
    return dict((await client.get("resource/users/me")).body)


async def test_front_ends_are_told_the_providers(visitor: Client, client: Client) -> None:
    configs = (await visitor.get("identity/configs")).body
    assert configs["log_in_providers"] == [{"name": "example", "label": "Example & Sons"}]
    assert "log_in_providers" not in (await client.get("identity/configs")).body


async def test_without_a_file_there_is_no_provider(client: Client) -> None:
    unknown = (404, ["log_in_provider.doesnt_exist"])
    for path in (ASK, LOG_IN):
        assert refusal(await client.post(path, {"provider": "example"})) == unknown


async def test_the_question_is_tied_to_the_browser(visitor: Client, mine: Installation) -> None:
    url = await asked(visitor)
    query = dict(parse_qsl(urlsplit(url).query))
    assert query["prompt"] == "none"  # of the provider's own address
    assert query["state"].startswith("login.")
    assert query["scope"] == "openid email"
    assert query["redirect_uri"].endswith("/account/log-in/provider/example")
    again = dict(parse_qsl(urlsplit(await asked(visitor)).query))
    for name in ("state", "nonce", "code_challenge"):
        assert len(query[name]) >= 43
        assert query[name] != again[name]


async def test_who_has_no_account_gets_a_confirmed_one(
    visitor: Client, provider: OpenIdProvider, ear: Ear
) -> None:
    person = Person()
    answer = await logged_in(visitor, provider, person)
    assert (answer.status, answer.body["email"]) == (201, person.email)
    assert (answer.body["state"], answer.body["level"]) == ("active", 1)
    session = (await visitor.get("identity/sessions")).body
    assert (session["amr"], session["acr"]) == (["fed"], "aal1")
    labels = (await visitor.get("resource/labels")).body
    assert [(each["key"], each["value"], each["scope"]) for each in labels] == [
        ("email", "verified", "private")
    ]
    [shown] = (await visitor.get(LINKED)).body
    assert (shown["provider"], shown["label"]) == ("example", "Example & Sons")
    assert (shown["subject"], shown["email"]) == (person.subject, person.email)
    assert shown["used_at"] is not None
    for name in (
        "model.user.created",
        "system.user.email.confirmed",
        "model.linked_account.created",
        "system.session.create",
    ):
        [event] = await ear.called(name, person.email)
    assert event.record["new_device"] is False


async def test_a_linked_account_logs_in_whatever_address_it_has_by_now(
    visitor: Client, elsewhere: Client, provider: OpenIdProvider
) -> None:
    person = Person()
    uid = (await logged_in(visitor, provider, person)).body["uid"]
    moved = Person(person.subject, Person().email, verified=False)
    answer = await logged_in(elsewhere, provider, moved)
    assert (answer.status, answer.body["uid"]) == (201, uid)
    assert answer.body["email"] == person.email


async def test_the_address_may_come_from_userinfo(
    visitor: Client, provider: OpenIdProvider
) -> None:
    provider.by_userinfo = True
    person = Person()
    answer = await logged_in(visitor, provider, person)
    assert (answer.status, answer.body["email"]) == (201, person.email)


async def test_userinfo_of_somebody_else_does_not_count(
    visitor: Client, provider: OpenIdProvider
) -> None:
    provider.by_userinfo, provider.userinfo = True, {"sub": "somebody-else"}
    assert refusal(await logged_in(visitor, provider, Person())) == INVALID_TOKEN


async def test_a_client_may_authenticate_by_post(fresh: Client, provider: OpenIdProvider) -> None:
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert (await logged_in(fresh, provider, Person())).status == 201


async def test_a_confirmed_account_is_linked_by_a_verified_address(
    member: Client, elsewhere: Client, provider: OpenIdProvider, ear: Ear
) -> None:
    person = Person(email=member.email.upper())
    answer = await logged_in(elsewhere, provider, person)
    assert (answer.status, answer.body["email"]) == (201, member.email)
    [event] = await ear.called("model.linked_account.created", member.email)
    assert event.record["issuer"] == provider.url
    [shown] = (await member.get(LINKED)).body
    assert shown["subject"] == person.subject


@pytest.mark.parametrize("verified", [False, None, "true", 1])
async def test_an_address_that_the_provider_did_not_verify_links_nothing(
    member: Client, elsewhere: Client, provider: OpenIdProvider, verified: Any
) -> None:
    unverified = (422, ["log_in_provider.email_not_verified"])
    for email in (member.email, Person().email):
        person = Person(email=email, verified=verified)
        assert refusal(await logged_in(elsewhere, provider, person)) == unverified
    assert (await member.get(LINKED)).body == []
    assert elsewhere.cookie == ""


async def test_an_account_that_is_not_confirmed_gets_the_mail_that_confirms_it(
    visitor: Client, elsewhere: Client, provider: OpenIdProvider, ear: Ear
) -> None:
    await visitor.sign_up()
    async with tables_of_identity(visitor.system) as tables:  # the mail of the sign-up is long ago
        await tables.execute(
            "DELETE FROM mails_sent USING users WHERE mails_sent.uid = users.uid AND email = $1",
            visitor.email,
        )
    person = Person(email=visitor.email)
    answer = await logged_in(elsewhere, provider, person)
    assert refusal(answer) == (422, ["log_in_provider.account_not_confirmed"])
    assert elsewhere.cookie == ""
    await ear.called("system.user.email.confirmation.token", visitor.email, 2)


async def test_the_second_factor_is_asked_for(
    member: Client, elsewhere: Client, provider: OpenIdProvider
) -> None:
    uid = (await user_of(member))["uid"]
    authenticator = await second_factor_of(member, uid)
    person = Person(email=member.email)
    given = await back(elsewhere, provider, person)
    missing = (401, ["identity.session.missing_otp"])
    assert refusal(await log_in(elsewhere, given)) == missing
    async with tables_of_identity(member.system) as tables:  # nothing is linked without it
        assert not await tables.fetch("SELECT FROM linked_accounts WHERE uid = $1", uid)
    wrong = await log_in(elsewhere, given, otp_code="000000")
    assert refusal(wrong) == (403, ["identity.session.invalid_otp"])
    answer = await log_in(elsewhere, {"state": given["state"]}, otp_code=authenticator.code())
    assert answer.status == 201, answer.body
    session = (await elsewhere.get("identity/sessions")).body
    assert (session["amr"], session["acr"]) == (["fed", "otp", "mfa"], "aal2")
    assert refusal(await log_in(elsewhere, given, otp_code="000000")) == INVALID


@pytest.mark.parametrize(
    ("state", "code"),
    [("banned", "banned"), ("deleted", "deleted"), ("locked", "not_active")],
)
async def test_who_may_not_log_in_does_not(
    member: Client, elsewhere: Client, provider: OpenIdProvider, state: str, code: str
) -> None:
    other_person = Person()
    assert (await linked(member, provider, other_person)).status == 201
    async with tables_of_identity(member.system) as tables:
        await tables.execute("UPDATE users SET state = $2 WHERE email = $1", member.email, state)
    for person in (other_person, Person(email=member.email)):
        answer = await logged_in(elsewhere, provider, person)
        assert refusal(answer) == (401, [f"identity.session.{code}"])


async def test_an_answer_counts_once_however_many_bring_it(
    visitor: Client, provider: OpenIdProvider
) -> None:
    given = await back(visitor, provider, Person())
    answers = await asyncio.gather(*(log_in(visitor, given) for _ in range(4)))
    assert sorted(each.status for each in answers) == [201, 422, 422, 422]
    assert {code for each in answers if each.status == 422 for code in each.errors} == set(
        INVALID[1]
    )
    assert refusal(await log_in(visitor, given)) == INVALID
    assert provider.calls.count("token") == 1


async def test_a_code_of_another_log_in_is_refused(
    visitor: Client, elsewhere: Client, provider: OpenIdProvider
) -> None:
    """An attacker's code in the log-in of a victim: nonce and verifier are others."""
    attackers = await back(elsewhere, provider, Person())
    given = await back(visitor, provider, Person())
    answer = await log_in(visitor, {**given, "code": attackers["code"]})
    assert refusal(answer) == (422, ["log_in_provider.refused"])
    assert refusal(await log_in(visitor, given)) == INVALID


async def test_the_state_of_another_browser_does_not_count(
    visitor: Client, elsewhere: Client, provider: OpenIdProvider
) -> None:
    given = await back(visitor, provider, Person())
    assert refusal(await log_in(elsewhere, given)) == INVALID
    await asked(elsewhere)  # a browser that has a cookie of its own
    assert refusal(await log_in(elsewhere, given)) == INVALID
    assert (await log_in(visitor, given)).status == 201


@pytest.mark.parametrize(
    "form",
    [{}, {"state": "x", "code": "x"}, {"state": "x" * 999}, {"code": "x" * 9999}, {"iss": "x\n"}],
)
async def test_answers_to_no_question_are_refused(visitor: Client, form: dict[str, str]) -> None:
    assert refusal(await log_in(visitor, form)) == INVALID


async def test_what_is_too_old_logs_nobody_in(visitor: Client, provider: OpenIdProvider) -> None:
    given = await back(visitor, provider, Person())
    async with tables_of_identity(visitor.system) as tables:
        await tables.execute("UPDATE provider_log_ins SET expires_at = now()")
    assert refusal(await log_in(visitor, given)) == INVALID


async def test_a_browser_has_five_log_ins_under_way(
    visitor: Client, provider: OpenIdProvider
) -> None:
    first, *others = [await back(visitor, provider, Person()) for _ in range(6)]
    assert refusal(await log_in(visitor, first)) == INVALID
    assert (await log_in(visitor, others[0])).status == 201


async def test_a_denied_log_in_is_over(visitor: Client, provider: OpenIdProvider) -> None:
    for error, code in (("access_denied", "denied"), ("server_error", "refused")):
        given = await back(visitor, provider, Person())
        answer = await log_in(visitor, {**given, "code": "", "error": error})
        assert refusal(answer) == (422, [f"log_in_provider.{code}"])
        assert refusal(await log_in(visitor, given)) == INVALID


@pytest.mark.parametrize("issuer", ["", "https://attacker.example.com"])
async def test_the_answer_of_another_provider_is_refused(
    visitor: Client, provider: OpenIdProvider, issuer: str
) -> None:
    """The mix-up attack (RFC 9207): the code does not go to a provider that did not make it."""
    given = await back(visitor, provider, Person())
    answer = await log_in(visitor, {**given, "iss": issuer})
    assert refusal(answer) == (422, ["log_in_provider.wrong_issuer"])
    assert "token" not in provider.calls
    assert refusal(await log_in(visitor, given)) == INVALID


async def test_a_provider_that_does_not_name_itself_needs_no_iss(
    fresh: Client, provider: OpenIdProvider
) -> None:
    provider.names_issuer = False
    given = await back(fresh, provider, Person())
    assert "iss" not in given
    assert (await log_in(fresh, given)).status == 201
    given = await back(fresh, provider, Person())
    answer = await log_in(fresh, {**given, "iss": "https://attacker.example.com"})
    assert refusal(answer) == (422, ["log_in_provider.wrong_issuer"])


async def test_the_redirect_uri_of_another_provider_does_not_count(
    system: Installation, provider: OpenIdProvider, tmp_path: Path
) -> None:
    first = provider_file(tmp_path, provider)
    second = provider_file(tmp_path, provider, name="other", issuer=f"{provider.url}/other")
    texts = [file.read_text().removeprefix("providers:\n") for file in (first, second)]
    first.write_text("providers:\n" + "".join(texts))
    async with client_of(system, "identity", **settings_of(first)) as browser:
        given = await back(browser, provider, Person())
        assert refusal(await log_in(browser, given, provider="other")) == INVALID
        assert (await log_in(browser, given)).status == 201


def with_hmac_of_the_public_key(provider: OpenIdProvider, claims: dict[str, Any]) -> str:
    public = provider.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "JWT", "kid": provider.kid}
    encode = jwt.utils.base64url_encode
    message = b".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return (message + b"." + encode(signature.sign(message, public))).decode()


def unsigned(_provider: OpenIdProvider, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", algorithm="none")


def with_a_key_of_their_own(provider: OpenIdProvider, claims: dict[str, Any]) -> str:
    key = rsa.generate_private_key(65537, 2048)
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": provider.kid})


def with_an_unknown_key(provider: OpenIdProvider, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, provider.key, algorithm="RS256", headers={"kid": "unknown"})


def with_a_key_in_the_header(provider: OpenIdProvider, claims: dict[str, Any]) -> str:
    key = rsa.generate_private_key(65537, 2048)
    jwk = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": provider.kid, "jwk": jwk})


def of_no_token(_provider: OpenIdProvider, _claims: dict[str, Any]) -> str:
    return "no token"


def of_many_bytes(provider: OpenIdProvider, claims: dict[str, Any]) -> str:
    return signed(provider, {**claims, "padding": "x" * 20_000})


@pytest.mark.parametrize(
    "sign",
    [
        unsigned,
        with_hmac_of_the_public_key,
        with_a_key_of_their_own,
        with_an_unknown_key,
        with_a_key_in_the_header,
        of_no_token,
        of_many_bytes,
    ],
)
async def test_a_token_that_the_provider_did_not_sign_is_refused(
    visitor: Client,
    provider: OpenIdProvider,
    sign: Callable[[OpenIdProvider, dict[str, Any]], str],
) -> None:
    provider.sign = sign
    person = Person()
    assert refusal(await logged_in(visitor, provider, person)) == INVALID_TOKEN
    assert visitor.cookie == ""
    provider.sign = None
    assert (await logged_in(visitor, provider, person)).status == 201


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another-client"]},
        {"aud": None},
        {"aud": {CLIENT_ID: True}},
        {"azp": "another-client"},
        {"iss": "https://attacker.example.com"},
        {"iss": None},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"exp": "later"},
        {"iat": 1_700_000_000},
        {"iat": 9_000_000_000},
        {"iat": None},
        {"nbf": 9_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": 17},
        {"sub": "x" * 256},
        {"sub": "a\x00b"},
    ],
    ids=lambda claims: "-".join(f"{name}-{str(value)[:12]!r}" for name, value in claims.items()),
)
async def test_claims_that_are_not_for_this_log_in_are_refused(
    visitor: Client, provider: OpenIdProvider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    assert refusal(await logged_in(visitor, provider, Person())) == INVALID_TOKEN
    assert visitor.cookie == ""


async def test_several_audiences_need_azp(visitor: Client, provider: OpenIdProvider) -> None:
    provider.claims = {"aud": [CLIENT_ID, "another-client"], "azp": CLIENT_ID}
    assert (await logged_in(visitor, provider, Person())).status == 201


async def test_a_new_key_is_fetched_once(visitor: Client, provider: OpenIdProvider) -> None:
    assert (await logged_in(visitor, provider, Person())).status == 201
    provider.rotate()
    provider.calls.clear()
    assert (await logged_in(visitor, provider, Person())).status == 201
    assert provider.calls.count("keys") == 1
    assert (await logged_in(visitor, provider, Person())).status == 201
    assert provider.calls.count("keys") == 1


ODD = ("giant", "error", "redirect", "text", "list", "encoded", "empty")


@pytest.mark.parametrize("how", ODD)
@pytest.mark.parametrize("what", ["token", "keys", "userinfo"])
async def test_an_odd_answer_is_unavailable(
    visitor: Client, provider: OpenIdProvider, what: str, how: str
) -> None:
    provider.by_userinfo = True
    given = await back(visitor, provider, Person())
    provider.broken = {what: how}
    provider.kid = f"{what}-{how}"  # so that the keys are fetched
    answer = await log_in(visitor, given)
    # An answer without an ID token, or about nobody, is one: a wrong one.
    blank = how in ("text", "list", "empty") and what in ("token", "userinfo")
    assert refusal(answer) == (INVALID_TOKEN if blank else UNAVAILABLE)
    assert refusal(await log_in(visitor, given)) == INVALID
    provider.broken = {}
    assert (await logged_in(visitor, provider, Person())).status == 201


UNUSABLE: Sequence[dict[str, Any]] = (
    {"issuer": "https://attacker.example.com"},
    {"authorization_endpoint": None},
    {"token_endpoint": "ftp://127.0.0.1/token"},
    {"jwks_uri": 17},
    {"response_types_supported": ["id_token"]},
    {"code_challenge_methods_supported": ["plain"]},
    {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
)


async def test_a_provider_that_cannot_be_used_is_unavailable(
    fresh: Client, provider: OpenIdProvider
) -> None:
    for how in ODD:
        provider.broken = {"openid-configuration": how}
        assert refusal(await fresh.post(ASK, {"provider": "example"})) == UNAVAILABLE, how
    provider.broken = {}
    for metadata in UNUSABLE:
        provider.metadata = metadata
        assert refusal(await fresh.post(ASK, {"provider": "example"})) == UNAVAILABLE, metadata
    provider.metadata = {}
    assert (await logged_in(fresh, provider, Person())).status == 201


async def test_our_own_network_is_not_called_without_leave(
    system: Installation, provider: OpenIdProvider, tmp_path: Path
) -> None:
    settings = settings_of(provider_file(tmp_path, provider))
    del settings["BARONG_LOG_IN_ALLOWED_NETWORKS"]
    async with client_of(system, "identity", **settings) as browser:
        answer = await browser.post(ASK, {"provider": "example"})
        assert refusal(answer) == UNAVAILABLE
        assert int(answer.headers["Retry-After"]) > 0
    assert provider.calls == []


async def test_sign_up_and_link_by_address_can_be_off(
    system: Installation, member: Client, provider: OpenIdProvider, tmp_path: Path
) -> None:
    file = provider_file(tmp_path, provider, sign_up=False, link_by_email=False)
    async with client_of(system, "identity", **settings_of(file)) as browser:
        answer = await logged_in(browser, provider, Person())
        assert refusal(answer) == (422, ["log_in_provider.no_account"])
        answer = await logged_in(browser, provider, Person(email=member.email))
        assert refusal(answer) == (422, ["log_in_provider.not_linked"])
        person = Person()
        assert (await linked(member, provider, person)).status == 201
        assert (await logged_in(browser, provider, person)).body["email"] == member.email


async def test_a_reserved_address_is_taken(
    visitor: Client, provider: OpenIdProvider, member: Client
) -> None:
    person = Person()
    async with tables_of_identity(visitor.system) as tables:
        await tables.execute(
            "INSERT INTO former_emails (uid, email, expires_at)"
            " SELECT uid, $2, now() + '1 hour' FROM users WHERE email = $1",
            member.email,
            person.email,
        )
    assert refusal(await logged_in(visitor, provider, person)) == (422, ["email.taken"])


async def test_simultaneous_first_log_ins_make_one_account(
    visitor: Client, elsewhere: Client, provider: OpenIdProvider
) -> None:
    person = Person()
    given = [await back(each, provider, person) for each in (visitor, elsewhere)]
    answers = await asyncio.gather(log_in(visitor, given[0]), log_in(elsewhere, given[1]))
    assert 201 in {each.status for each in answers}
    for each in answers:
        if each.status != 201:
            assert each.errors in (["email.taken"], ["resource.linked_account.taken"])
    async with tables_of_identity(visitor.system) as tables:
        count = await tables.fetchval("SELECT count(*) FROM users WHERE email = $1", person.email)
    assert count == 1


async def test_a_user_links_lists_and_ends_a_link(
    member: Client, elsewhere: Client, provider: OpenIdProvider, ear: Ear
) -> None:
    person = Person(verified=False)
    answer = await linked(member, provider, person)
    assert answer.status == 201, answer.body
    [shown] = (await member.get(LINKED)).body
    assert shown == answer.body
    assert (shown["provider"], shown["used_at"]) == ("example", None)
    assert (await logged_in(elsewhere, provider, person)).body["email"] == member.email
    one = f"{LINKED}/{shown['id']}"
    assert (await member.call("DELETE", one)).status == 204
    assert refusal(await member.call("DELETE", one)) == (
        404,
        ["resource.linked_account.doesnt_exist"],
    )
    assert (await member.get(LINKED)).body == []
    [ended] = await ear.called("model.linked_account.deleted", member.email)
    assert ended.record["provider"] == "Example & Sons"
    unverified = (422, ["log_in_provider.email_not_verified"])
    assert refusal(await logged_in(elsewhere, provider, person)) == unverified


async def test_an_account_at_a_provider_has_one_user(
    member: Client, elsewhere: Client, provider: OpenIdProvider
) -> None:
    person = Person()
    taken = (422, ["resource.linked_account.taken"])
    assert (await linked(member, provider, person)).status == 201
    assert refusal(await linked(member, provider, person)) == taken
    await elsewhere.become_member()
    assert refusal(await linked(elsewhere, provider, person)) == taken


async def test_a_link_is_for_the_session_that_asked(
    member: Client, elsewhere: Client, provider: OpenIdProvider
) -> None:
    question = (await member.post(LINK, {"provider": "example"})).body["url"]
    given = provider.come_back(question, Person())
    await elsewhere.become_member()
    form = {"provider": "example", **given}
    assert refusal(await elsewhere.post(LINKED, form)) == INVALID
    assert refusal(await log_in(member, given)) == INVALID  # nor is it a log-in
    assert (await elsewhere.log_in(member.email)).status == 201
    assert refusal(await elsewhere.post(LINKED, form)) == INVALID
    assert (await member.post(LINKED, form)).status == 201
    login = await back(member, provider, Person())
    assert refusal(await member.post(LINKED, {"provider": "example", **login})) == INVALID


async def test_links_ask_for_a_recent_verification(
    member: Client, provider: OpenIdProvider
) -> None:
    [shown] = [(await linked(member, provider, Person())).body]
    async with tables_of_identity(member.system) as tables:
        await tables.execute(
            "UPDATE sessions SET auth_time = now() - '1 hour'::interval FROM users"
            " WHERE users.uid = sessions.uid AND email = $1",
            member.email,
        )
    step_up = (401, ["authz.insufficient_user_authentication"])
    assert refusal(await member.post(LINK, {"provider": "example"})) == step_up
    assert refusal(await member.call("DELETE", f"{LINKED}/{shown['id']}")) == step_up
    verified = await member.post("resource/sessions/verify", {"password": PASSWORD})
    assert verified.status in (200, 201), verified.body
    assert (await member.call("DELETE", f"{LINKED}/{shown['id']}")).status == 204


async def test_there_are_twenty_links_at_most(member: Client, provider: OpenIdProvider) -> None:
    async with tables_of_identity(member.system) as tables:
        await tables.execute(
            "INSERT INTO linked_accounts (id, uid, issuer, subject)"
            " SELECT gen_random_uuid(), uid, 'https://gone.example.com', uid || number"
            " FROM users, generate_series(1, 20) AS number WHERE email = $1",
            member.email,
        )
    too_many = (422, ["resource.linked_account.too_many"])
    assert refusal(await member.post(LINK, {"provider": "example"})) == too_many
    shown = (await member.get(LINKED)).body[0]
    assert (shown["provider"], shown["label"]) == (None, "https://gone.example.com")


async def test_who_confirms_an_address_ends_links_of_others(
    visitor: Client, elsewhere: Client, provider: OpenIdProvider
) -> None:
    """Somebody signs up with another's address, links their own account, and waits."""
    await visitor.sign_up()
    person = Person()
    assert (await linked(visitor, provider, person)).status == 201
    elsewhere.email = visitor.email
    assert (await elsewhere.confirm()).status == 201
    assert (await elsewhere.get(LINKED)).body == []
    answer = await logged_in(visitor, provider, person)
    assert answer.body["email"] == person.email  # an account of its own


async def test_log_ins_and_links_are_activities(
    member: Client, elsewhere: Client, provider: OpenIdProvider, ear: Ear
) -> None:
    person = Person()
    assert (await linked(member, provider, person)).status == 201
    assert (await logged_in(elsewhere, provider, person)).status == 201
    uid = (await user_of(member))["uid"]
    wanted = {("account", "link provider"), ("session", "login::provider")}

    async def recorded() -> bool:
        told = {
            (each.record["topic"], each.record["action"])
            for each in ear.events
            if each.name == "system.activity.recorded"
            and (each.record["uid"], each.record["result"]) == (uid, "succeed")
        }
        return wanted <= told

    assert await until(recorded)


async def test_a_slow_provider_holds_nobody_up(
    system: Installation, provider: OpenIdProvider, tmp_path: Path
) -> None:
    settings = {**settings_of(provider_file(tmp_path, provider)), "BARONG_LOG_IN_TIMEOUT": "0.3"}
    async with client_of(system, "identity", **settings) as browser:
        provider.broken = {"openid-configuration": "slow"}
        asking = [browser.post(ASK, {"provider": "example"}) for _ in range(8)]
        assert {refusal(each)[0] for each in await asyncio.gather(*asking)} == {503}
        provider.broken = {}
        given = await back(browser, provider, Person())
        provider.broken = {"token": "slow"}
        assert refusal(await log_in(browser, given)) == UNAVAILABLE


async def test_no_account_is_linked_in_a_session_that_has_ended(
    member: Client, provider: OpenIdProvider
) -> None:
    uid = (await user_of(member))["uid"]
    asked_for = await member.post(LINK, {"provider": "example"})
    given = provider.come_back(asked_for.body["url"], Person(email=member.email))
    call = member.post(LINKED, {"provider": "example", **given})
    answer = await answer_of_an_ended_session(member, uid, call)
    assert refusal(answer) == (401, ["authz.invalid_session"])
    async with tables_of_identity(member.system) as tables:
        assert not await tables.fetch("SELECT FROM linked_accounts WHERE uid = $1", uid)
