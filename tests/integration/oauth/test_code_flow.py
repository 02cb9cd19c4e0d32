"""The authorization code flow, from the client's registration to userinfo."""

import aiohttp
import jwt
import pytest

from tests.support.authenticator import second_factor_of
from tests.support.client import Client
from tests.support.relying_party import REDIRECT_URI, RelyingParty
from tests.support.system import PASSWORD, Installation


async def verified(system: Installation, token: str, audience: str) -> dict[str, object]:
    """The claims of a token that the published keys verify."""
    async with aiohttp.ClientSession(system.gateway_url) as http:
        async with http.get("/.well-known/openid-configuration") as got:
            metadata = await got.json()
        async with http.get(metadata["jwks_uri"]) as got:
            keys = jwt.PyJWKSet.from_dict(await got.json())
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(each for each in keys.keys if each.key_id == kid)
    claims: dict[str, object] = jwt.decode(
        token, key, ["RS256"], audience=audience, issuer=metadata["issuer"]
    )
    return claims


async def test_a_user_logs_in_consents_and_the_client_knows_them(
    app: RelyingParty, member: Client, system: Installation
) -> None:
    start = await app.authorize(scope="openid email")
    assert start.location.startswith(f"{system.gateway_url}/account/log-in?login_challenge=")
    shown = await app.plain_page(start)
    assert (shown.status, "An app" in shown.text) == (200, True)
    assert "Passkeys and log-ins by mail do not work here." in shown.text
    asked = await app.visit("GET", (await app.log_in(start, member.email, PASSWORD)).location)
    assert "/oauth/consent?" in asked.location
    end = await app.visit("GET", (await app.consent(asked)).location)
    assert end.location.startswith(REDIRECT_URI)
    assert end.parameters["state"] == "a-state"
    assert end.parameters["iss"] == system.gateway_url  # RFC 9207

    status, tokens = await app.redeem(end.parameters["code"])

    assert (status, tokens["token_type"], tokens["scope"]) == (200, "Bearer", "openid email")
    claims = await verified(system, tokens["id_token"], app.client_id)
    assert claims["nonce"] == "a-nonce"
    assert claims["auth_time"] <= claims["iat"]  # type: ignore[operator]
    access = await verified(system, tokens["access_token"], system.gateway_url)
    assert (access["sub"], access["client_id"]) == (claims["sub"], app.client_id)
    assert jwt.get_unverified_header(tokens["access_token"])["typ"] == "at+jwt"
    status, told = await app.userinfo(tokens["access_token"])
    assert (status, told) == (
        200,
        {"sub": claims["sub"], "email": member.email, "email_verified": True},
    )


async def test_the_metadata_is_that_of_both_standards(system: Installation) -> None:
    async with aiohttp.ClientSession(system.gateway_url) as http:
        shown = []
        for name in ("openid-configuration", "oauth-authorization-server"):
            async with http.get(f"/.well-known/{name}") as got:
                shown.append(await got.json())
    assert shown[0] == shown[1]
    assert shown[0]["issuer"] == system.gateway_url
    assert shown[0]["token_endpoint"] == f"{system.gateway_url}/oauth/token"
    assert shown[0]["code_challenge_methods_supported"] == ["S256"]


async def test_a_living_session_needs_no_page(own_app: RelyingParty, member: Client) -> None:
    await own_app.code(member.email, PASSWORD)

    again = await own_app.authorize(prompt="none")

    assert "code" in again.parameters
    assert (await own_app.redeem(again.parameters["code"]))[0] == 200


async def test_a_post_is_a_request_as_well(own_app: RelyingParty) -> None:
    asked = await own_app.visit("POST", "/oauth/authorize", data=own_app.request())

    assert asked.status == 303
    assert "login_challenge" in asked.parameters


@pytest.mark.parametrize(
    ("prompt", "error"), [("none", "login_required"), ("none login", "invalid_request")]
)
async def test_prompt_none_shows_no_page(own_app: RelyingParty, prompt: str, error: str) -> None:
    refused = await own_app.authorize(prompt=prompt)

    assert refused.location.startswith(REDIRECT_URI)
    assert refused.parameters["error"] == error
    assert refused.parameters["state"] == "a-state"


async def test_prompt_none_does_not_consent(app: RelyingParty, member: Client) -> None:
    start = await app.authorize()
    await app.log_in(start, member.email, PASSWORD)

    assert (await app.authorize(prompt="none")).parameters["error"] == "consent_required"


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
async def test_a_fresh_log_in_is_asked_for_although_there_is_a_session(
    own_app: RelyingParty, member: Client, changes: dict[str, str]
) -> None:
    await own_app.code(member.email, PASSWORD)

    asked = await own_app.authorize(**changes)
    # Going on without a log-in leads back to the page.
    challenge = asked.parameters["login_challenge"]
    skipped = await own_app.visit("GET", f"/oauth/authorize/resume?challenge={challenge}")
    end = await own_app.visit(
        "GET", (await own_app.log_in(skipped, member.email, PASSWORD)).location
    )

    assert skipped.parameters == {"login_challenge": challenge}
    assert (await own_app.redeem(end.parameters["code"]))[0] == 200


async def test_consent_is_asked_again_where_the_client_wants_it(
    app: RelyingParty, member: Client
) -> None:
    await app.code(member.email, PASSWORD)

    assert "code" in (await app.authorize()).parameters
    assert "consent_challenge" in (await app.authorize(prompt="consent")).parameters
    assert "consent_challenge" in (await app.authorize(scope="openid phone")).parameters


async def test_an_id_token_hint_of_somebody_else_asks_for_a_log_in(
    own_app: RelyingParty, member: Client, system: Installation
) -> None:
    code = await own_app.code(member.email, PASSWORD)
    _, tokens = await own_app.redeem(code)
    hint = tokens["id_token"]
    assert "code" in (await own_app.authorize(prompt="none", id_token_hint=hint)).parameters
    async with Client(system) as other:
        await other.become_member()
        start = await own_app.authorize(prompt="login")
        await own_app.log_in(start, other.email, PASSWORD)

    refused = await own_app.authorize(prompt="none", id_token_hint=hint)
    broken = await own_app.authorize(prompt="none", id_token_hint="no.token")

    assert refused.parameters["error"] == "login_required"
    assert broken.parameters["error"] == "invalid_request"


async def test_claims_are_given_by_scope_and_by_name(
    own_app: RelyingParty, member: Client, system: Installation
) -> None:
    profile = {"first_name": "Ada", "last_name": "Byron", "dob": "1990-12-10", "city": "London"}
    await member.call("POST", "resource/profiles", profile)
    asked = '{"id_token": {"given_name": null}, "userinfo": {"email": {"essential": true}}}'
    code = await own_app.code(member.email, PASSWORD, scope="openid profile address", claims=asked)

    _, tokens = await own_app.redeem(code)
    _, told = await own_app.userinfo(tokens["access_token"])

    claims = await verified(system, tokens["id_token"], own_app.client_id)
    assert (claims["given_name"], "family_name" in claims) == ("Ada", False)
    assert told["sub"] == claims["sub"]
    assert (told["name"], told["birthdate"]) == ("Ada Byron", "1990-12-10")
    assert told["address"] == {"locality": "London"}
    assert told["email"] == member.email
    assert "phone_number" not in told


async def test_an_essential_class_of_log_in_that_there_is_not_is_refused(
    own_app: RelyingParty, member: Client
) -> None:
    asked = '{"id_token": {"acr": {"essential": true, "values": ["urn:of:nobody"]}}}'
    start = await own_app.authorize(claims=asked)
    end = await own_app.visit("GET", (await own_app.log_in(start, member.email, PASSWORD)).location)

    assert end.parameters["error"] == "unmet_authentication_requirements"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://a.example/request"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"prompt": "dance"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": '{"id_token": 1}'}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"nonce": "n" * 3000}, "invalid_request"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"state": "s" * 3000}, "invalid_request"),
    ],
)
async def test_other_faults_go_to_the_redirect_uri(
    own_app: RelyingParty, changes: dict[str, str | None], error: str
) -> None:
    refused = await own_app.authorize(**changes)

    assert refused.location.startswith(f"{REDIRECT_URI}?error=")
    assert refused.parameters["error"] == error
    assert refused.parameters["iss"] == own_app.system.gateway_url


async def test_unknown_parameters_are_ignored(own_app: RelyingParty) -> None:
    assert "login_challenge" in (await own_app.authorize(display="touch", odd="1")).parameters


async def test_a_second_factor_is_asked_for(own_app: RelyingParty, system: Installation) -> None:
    async with Client(system) as owner:
        uid = (await owner.become_member()).body["uid"]
        authenticator = await second_factor_of(owner, uid)
        start = await own_app.authorize()

        wrong = await own_app.log_in(start, owner.email, "not-the-password")
        missing = await own_app.log_in(start, owner.email, PASSWORD)
        code = authenticator.code()
        right = await own_app.log_in(start, owner.email, PASSWORD, otp_code=code)
        end = await own_app.visit("GET", right.location)

    assert (wrong.status, "otp_code" in wrong.text) == (401, False)
    assert (missing.status, "otp_code" in missing.text) == (401, True)
    assert "code" in end.parameters


async def test_acr_values_ask_for_a_stronger_log_in_once(
    own_app: RelyingParty, member: Client
) -> None:
    """RFC 9470, 4: a client repeats what a route asked for."""
    await own_app.code(member.email, PASSWORD)
    assert "code" in (await own_app.authorize(acr_values="aal1 aal2")).parameters

    again = await own_app.authorize(acr_values="aal2")
    end = await own_app.visit("GET", (await own_app.log_in(again, member.email, PASSWORD)).location)
    _, tokens = await own_app.redeem(end.parameters["code"])

    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert claims["acr"] == "aal1"  # a wish: the user has no second factor


async def test_pages_speak_german(own_app: RelyingParty) -> None:
    start = await own_app.authorize(ui_locales="fr de")
    asked = await own_app.plain_page(start)
    accepted = await own_app.plain_page(
        await own_app.authorize(), headers={"Accept-Language": "de-AT,en;q=0.5"}
    )

    for page in (asked, accepted):
        assert '<html lang="de">' in page.text


async def test_a_page_of_another_front_end_answers_by_the_api(
    app: RelyingParty, member: Client, system: Installation
) -> None:
    challenge = (await app.authorize()).parameters["login_challenge"]
    path = f"identity/oauth/challenges/{challenge}"
    async with Client(system) as page:
        shown = (await page.get(path)).body
        early = await page.post(path, {"kind": "login", "action": "accept"})
        await page.log_in(member.email)
        first = await page.post(path, {"kind": "login", "action": "accept"})
        asked = await page.redirected("/oauth/authorize/resume", {"challenge": challenge})
        forged = await page.post(
            path, {"kind": "consent", "action": "accept"}, headers={"X-CSRF-Token": "guessed"}
        )
        second = await page.post(path, {"kind": "consent", "action": "accept"})
        end = await page.redirected("/oauth/authorize/resume", {"challenge": challenge})
        gone = await page.get(path)

    assert (shown["kind"], shown["client_name"], shown["scopes"]) == ("login", "An app", ["openid"])
    assert (early.status, early.errors) == (401, ["oauth.challenge.login_required"])
    assert first.body == second.body
    assert "consent_challenge" in asked
    assert (forged.status, forged.errors) == (403, ["oauth.challenge.csrf_token_mismatch"])
    assert end.startswith(f"{REDIRECT_URI}?code=")
    assert (gone.status, gone.errors) == (404, ["oauth.challenge.doesnt_exist"])


async def test_a_refusal_is_told_to_the_client(app: RelyingParty, member: Client) -> None:
    start = await app.authorize()
    asked = await app.visit("GET", (await app.log_in(start, member.email, PASSWORD)).location)

    refused = await app.consent(asked, "refuse")

    assert refused.location.startswith(REDIRECT_URI)
    assert refused.parameters["error"] == "access_denied"
