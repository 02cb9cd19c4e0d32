"""Attacks of RFC 9700 (Best Current Practice for OAuth 2.0 Security), by the section of each."""

import base64
import json
import time

import aiohttp
import asyncpg
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.client import Client
from tests.support.relying_party import CHALLENGE, REDIRECT_URI, VERIFIER, RelyingParty
from tests.support.system import PASSWORD


@pytest.mark.parametrize(
    "uri",
    [
        "https://attacker.example/callback",
        f"{REDIRECT_URI}/",
        f"{REDIRECT_URI}?x=1",
        f"{REDIRECT_URI}/../evil",
        f"{REDIRECT_URI}%2F..%2Fevil",
        "https://app.example.com.attacker.example/callback",
        "https://app.example.com@attacker.example/callback",
        "HTTPS://app.example.com/callback",
        "https://app.example.com:443/callback",
        "http://app.example.com/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "//attacker.example",
        "https://app.example.com\\@attacker.example/callback",
    ],
)
async def test_4_1_redirect_uris_are_compared_character_by_character(
    own_app: RelyingParty, uri: str
) -> None:
    refused = await own_app.authorize(redirect_uri=uri)

    assert refused.status == 400
    assert "Location" not in refused.headers
    assert uri not in refused.text


@pytest.mark.parametrize(
    "parameters",
    [
        {"client_id": "nobody"},
        {"client_id": "x" * 500},
        {"client_id": "a\x00b"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": "x" * 5000},
    ],
)
async def test_4_11_2_there_is_no_open_redirector(
    own_app: RelyingParty, parameters: dict[str, str | None]
) -> None:
    refused = await own_app.authorize(**parameters)

    assert (refused.status, "Location" in refused.headers) == (400, False)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "scope", "state", "code_challenge"])
async def test_4_11_2_repeated_parameters_are_refused(own_app: RelyingParty, name: str) -> None:
    good = own_app.request()
    refused = await own_app.visit(
        "GET", "/oauth/authorize", params=[*good.items(), (name, good[name])]
    )

    if name in ("client_id", "redirect_uri"):
        assert (refused.status, "Location" in refused.headers) == (400, False)
    else:
        assert refused.parameters["error"] == "invalid_request"
        assert name != "state" or "state" not in refused.parameters


async def test_4_4_mix_up_is_seen_by_the_issuer_in_each_answer(
    own_app: RelyingParty, member: Client
) -> None:
    refused = await own_app.authorize(prompt="none")
    await own_app.code(member.email, PASSWORD)
    given = await own_app.authorize(prompt="none")

    for answer in (refused, given):
        assert answer.parameters["iss"] == own_app.system.gateway_url


async def test_4_5_an_injected_code_fails_without_its_verifier(
    own_app: RelyingParty, member: Client
) -> None:
    code = await own_app.code(member.email, PASSWORD)

    for verifier in (None, "x" * 43, VERIFIER[:-1], CHALLENGE, "short"):
        status, body = await own_app.redeem(code, code_verifier=verifier)
        assert (status, body["error"]) == (400, "invalid_grant")
    assert (await own_app.redeem(code))[0] == 200


async def test_4_5_a_code_is_bound_to_its_client_and_redirect_uri(
    app: RelyingParty, own_app: RelyingParty, member: Client
) -> None:
    code = await own_app.code(member.email, PASSWORD)

    for attempt in (
        app.redeem(code),
        own_app.redeem(code, redirect_uri="https://app.example.com/other"),
        own_app.redeem(code, redirect_uri=None),
    ):
        status, body = await attempt
        assert (status, body["error"]) == (400, "invalid_grant")
    assert (await own_app.redeem(code))[0] == 200


async def test_4_5_a_code_that_is_used_twice_ends_what_came_of_it(
    own_app: RelyingParty, member: Client
) -> None:
    code = await own_app.code(member.email, PASSWORD, scope="openid offline_access")
    _, tokens = await own_app.redeem(code)
    assert (await own_app.userinfo(tokens["access_token"]))[0] == 200

    status, body = await own_app.redeem(code)

    assert (status, body["error"]) == (400, "invalid_grant")
    assert (await own_app.userinfo(tokens["access_token"]))[0] == 401
    assert (await own_app.refresh(tokens["refresh_token"]))[0] == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
        {"code_challenge": "+" * 43},
    ],
)
async def test_4_8_2_pkce_cannot_be_downgraded(
    own_app: RelyingParty, changes: dict[str, str | None]
) -> None:
    refused = await own_app.authorize(**changes)

    assert refused.parameters["error"] == "invalid_request"


async def test_4_8_2_a_verifier_without_a_challenge_is_refused(
    app: RelyingParty, member: Client
) -> None:
    removed = {"code_challenge": None, "code_challenge_method": None}
    code = await app.code(member.email, PASSWORD, **removed)

    status, body = await app.redeem(code)

    assert (status, body["error"]) == (400, "invalid_grant")
    assert (await app.redeem(code, code_verifier=None))[0] == 200


async def test_2_5_a_client_cannot_pass_for_another(
    app: RelyingParty, own_app: RelyingParty, registrar: Client
) -> None:
    async with aiohttp.ClientSession(app.system.gateway_url) as server:

        async def refused(
            form: dict[str, str], authorization: str | None = None
        ) -> tuple[int, str]:
            headers = {} if authorization is None else {"Authorization": authorization}
            form = {"grant_type": "authorization_code", "code": "x", **form}
            async with server.post("/oauth/token", data=form, headers=headers) as got:
                assert got.headers["Cache-Control"] == "no-store"
                return got.status, (await got.json())["error"]

        secret = app.secret or ""
        own = {"client_id": app.client_id}
        wrong = base64.b64encode(f"{app.client_id}:wrong".encode()).decode()
        right = base64.b64encode(f"{app.client_id}:{secret}".encode()).decode()
        public = base64.b64encode(f"{own_app.client_id}:".encode()).decode()
        for form, authorization in (
            (own, None),
            ({**own, "client_secret": "wrong"}, None),
            ({**own, "client_secret": secret}, None),  # its method is another
            ({}, f"Basic {wrong}"),
            ({}, "Basic not-base-64"),
            ({}, f"Basic {public}"),
            ({"client_id": own_app.client_id}, f"Basic {right}"),
            ({"client_id": own_app.client_id, "client_secret": "any"}, None),
            ({}, None),
        ):
            assert await refused(form, authorization) == (401, "invalid_client"), form
        both = {**own, "client_secret": secret}
        assert await refused(both, f"Basic {right}") == (400, "invalid_request")
        assert await refused(own, f"Basic {right}") == (400, "invalid_grant")  # it is the client


async def test_2_5_assertions_need_a_signature_an_audience_and_their_first_use(
    registrar: Client,
) -> None:

    key = rsa.generate_private_key(65537, 2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    jwks = {"keys": [{**public, "kid": "k", "alg": "RS256", "use": "sig"}]}
    async with await RelyingParty.register(
        registrar,
        authentication="private_key_jwt",
        jwks=jwks,
        grant_types=["client_credentials"],
        redirect_uris=[],
        scopes=["orders"],
    ) as machine:
        now = int(time.time())
        good = {
            "iss": machine.client_id,
            "sub": machine.client_id,
            "aud": machine.system.gateway_url,
            "jti": "first",
            "iat": now,
            "exp": now + 60,
        }

        async def use(assertion: str) -> tuple[int, str | None]:
            form = {
                "client_id": machine.client_id,
                "grant_type": "client_credentials",
                "client_assertion": assertion,
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            }
            async with (
                aiohttp.ClientSession(machine.system.gateway_url) as server,
                server.post("/oauth/token", data=form) as got,
            ):
                return got.status, (await got.json()).get("error")

        def signed(**changes: object) -> str:
            return jwt.encode({**good, **changes}, key, "RS256", headers={"kid": "k"})

        first = signed()
        assert await use(first) == (200, None)
        unsigned = jwt.encode({**good, "jti": "none"}, "", "none")
        # The public key is no secret: it must not count as one of HMAC.
        confused = jwt.encode({**good, "jti": "hs"}, "x" * 32, "HS256", headers={"kid": "k"})
        for assertion in (
            first,
            unsigned,
            confused,
            signed(jti="a", exp=now - 120),
            signed(jti="b", exp=now + 86_400),
            signed(jti="c", aud="https://other.example"),
            signed(jti="d", aud=[machine.system.gateway_url, "https://other.example"]),
            signed(jti="e", iss="somebody"),
            signed(jti=7),
            signed(jti=""),
            "a.b.c",
            "x" * 4000,
        ):
            assert await use(assertion) == (401, "invalid_client")
        assert await use(signed(jti="g", aud=f"{machine.system.gateway_url}/oauth/token")) == (
            200,
            None,
        )


async def test_4_14_2_a_used_refresh_token_ends_the_family(
    registrar: Client, member: Client
) -> None:
    """For confidential clients, too; the grace for lost answers is over."""
    async with await RelyingParty.register(registrar, first_party=True) as client:
        code = await client.code(member.email, PASSWORD, scope="openid offline_access")
        _, first = await client.redeem(code)
        _, second = await client.refresh(first["refresh_token"])
        _, lost = await client.refresh(first["refresh_token"])  # within the grace
        assert len({first["refresh_token"], second["refresh_token"], lost["refresh_token"]}) == 3
        await age_uses(client, 3600)

        status, body = await client.refresh(first["refresh_token"])

        assert (status, body["error"]) == (400, "invalid_grant")
        for token in (second["refresh_token"], lost["refresh_token"]):
            assert (await client.refresh(token))[0] == 400
        assert (await client.userinfo(second["access_token"]))[0] == 401


async def age_uses(client: RelyingParty, seconds: int) -> None:
    """Lets all uses of refresh tokens be so long ago."""

    connection = await asyncpg.connect(client.system.environments["oauth"]["DATABASE_URL"])
    try:
        await connection.execute(
            """
            UPDATE oauth.refresh_tokens
            SET used_at = used_at - make_interval(secs => $1)
            WHERE grant_id IN (SELECT id FROM oauth.grants WHERE client_id = $2)
            """,
            seconds,
            client.client_id,
        )
    finally:
        await connection.close()


async def test_4_12_the_redirect_after_a_form_is_a_303(
    own_app: RelyingParty, member: Client
) -> None:
    """With 307 the browser would post the password to the client."""
    answer = await own_app.log_in(await own_app.authorize(), member.email, PASSWORD)

    assert answer.status == 303


async def test_4_16_pages_cannot_be_framed_and_run_no_foreign_scripts(
    own_app: RelyingParty,
) -> None:
    start = await own_app.authorize()
    plain, shown = await own_app.plain_page(start), await own_app.visit("GET", start.location)

    for page in (plain, shown):
        policy = page.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert plain.headers["X-Frame-Options"] == "DENY"
    assert "<script" not in plain.text
    assert "script-src 'self';" in shown.headers["Content-Security-Policy"]


async def test_4_7_forms_of_other_sites_neither_log_in_nor_consent(
    app: RelyingParty, member: Client
) -> None:
    start = await app.authorize()
    form = {
        "login_challenge": start.parameters["login_challenge"],
        "email": member.email,
        "password": PASSWORD,
        "action": "accept",
    }
    foreign = {"Origin": "https://attacker.example"}
    forged = await app.visit("POST", "/oauth/login", data=form, headers=foreign)
    assert (forged.status, "Set-Cookie" in forged.headers) == (403, False)
    asked = await app.visit("GET", (await app.log_in(start, member.email, PASSWORD)).location)
    challenge = asked.parameters["consent_challenge"]

    for token, headers in (("", app.origin), ("guessed", app.origin), ("guessed", foreign)):
        data = {"consent_challenge": challenge, "csrf_token": token, "action": "accept"}
        answer = await app.visit("POST", "/oauth/consent", data=data, headers=headers)
        assert answer.status == 403
    resumed = await app.visit("GET", f"/oauth/authorize/resume?challenge={challenge}")
    assert "consent_challenge" in resumed.parameters  # nothing was allowed


async def test_4_7_a_challenge_goes_on_only_in_the_browser_that_consented(
    app: RelyingParty, member: Client
) -> None:
    start = await app.authorize()
    asked = await app.visit("GET", (await app.log_in(start, member.email, PASSWORD)).location)
    end = await app.consent(asked)

    local = end.location.removeprefix(app.system.gateway_url)
    async with (
        aiohttp.ClientSession(app.system.gateway_url) as attacker,
        attacker.get(local, allow_redirects=False) as got,
    ):
        assert "login_challenge=" in got.headers["Location"]


async def test_4_9_an_access_token_is_not_taken_from_the_query(
    own_app: RelyingParty, member: Client
) -> None:
    _, tokens = await own_app.redeem(await own_app.code(member.email, PASSWORD))

    async with (
        aiohttp.ClientSession(own_app.system.gateway_url) as server,
        server.get("/oauth/userinfo", params={"access_token": tokens["access_token"]}) as got,
    ):
        assert got.status == 401


async def test_2_3_tokens_of_one_kind_are_not_taken_for_another(
    own_app: RelyingParty, member: Client
) -> None:
    session_bearer = (await member.log_in()).headers["Authorization"].removeprefix("Bearer ")
    _, tokens = await own_app.redeem(await own_app.code(member.email, PASSWORD))

    for token in (tokens["id_token"], session_bearer, "x", "a.b.c"):
        assert (await own_app.userinfo(token))[0] == 401
    async with Client(own_app.system) as caller:
        caller.headers = {"Authorization": f"Bearer {tokens['id_token']}"}
        assert (await caller.get("resource/users/me")).status == 401


@pytest.mark.parametrize("kind", ["implicit", "password", "urn:unknown"])
async def test_2_1_2_and_2_4_there_are_no_other_grants(app: RelyingParty, kind: str) -> None:
    status, body = await app.post("/oauth/token", grant_type=kind, username="a", password="b")

    assert (status, body["error"]) == (400, "unsupported_grant_type")
