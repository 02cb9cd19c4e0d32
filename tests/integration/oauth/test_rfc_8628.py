"""The device authorization grant, by the sections of RFC 8628."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import aiohttp
import pytest

from oauth_svc.clients.models import digest_of
from oauth_svc.devices.models import PER_USER
from tests.support.client import Client
from tests.support.device import DEVICE_CODE, Person, ask, poll
from tests.support.oauth import another_instance, database
from tests.support.relying_party import RelyingParty
from tests.support.system import PASSWORD
from tests.support.waiting import until

DEVICES = "identity/oauth/devices"
SCOPES = ["openid", "email", "offline_access", "resource"]
GRANTS = [DEVICE_CODE, "refresh_token"]


@pytest.fixture
async def device(registrar: Client) -> AsyncIterator[RelyingParty]:
    """A public client, as programs on devices are, and the browser of somebody nearby."""
    async with await RelyingParty.register(
        registrar,
        name="A television",
        redirect_uris=[],
        authentication="none",
        grant_types=GRANTS,
        scopes=SCOPES,
    ) as made:
        yield made


@pytest.fixture
async def other_browser(device: RelyingParty) -> AsyncIterator[RelyingParty]:
    registered = {"client_id": device.client_id, "client_secret": None}
    async with RelyingParty(device.system, registered) as made:
        yield made


@pytest.fixture
def person(device: RelyingParty, member: Client) -> Person:
    return Person(device, member.email)


async def set_of(device: RelyingParty, settings: str) -> None:
    """Changes the requests of the device's client in the database."""
    async with database(device.system) as connection:
        await connection.execute(
            f"UPDATE oauth.device_authorizations SET {settings} WHERE client_id = $1",
            device.client_id,
        )


async def test_1_a_user_logs_a_device_in(
    device: RelyingParty, person: Person, member: Client
) -> None:
    begun = await ask(device, scope="openid email offline_access")
    assert (await poll(device, begun))[1]["error"] == "authorization_pending"
    await person.allow(begun)

    status, tokens = await poll(device, begun)

    assert status == 200, tokens
    assert set(tokens) >= {"access_token", "id_token", "refresh_token"}
    assert (await device.userinfo(tokens["access_token"]))[1]["email"] == member.email
    assert (await device.refresh(tokens["refresh_token"]))[0] == 200
    consents = await member.get("resource/consents")
    [given] = [each for each in consents.body if each["client_id"] == device.client_id]
    assert sorted(given["scopes"]) == ["email", "offline_access", "openid"]


async def test_3_1_a_device_with_a_secret_has_to_show_it(registrar: Client) -> None:
    async with await RelyingParty.register(registrar, grant_types=GRANTS) as party:
        assert (await ask(party))["interval"] == 1
        party.secret = None
        status, refused = await party.post("/oauth/device_authorization", scope="openid")

    assert (status, refused["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": None}, "invalid_scope"),
        ({"scope": "openid admin"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"client_id": "nobody"}, "invalid_client"),
    ],
)
async def test_3_1_what_a_device_may_not_ask_is_refused(
    device: RelyingParty, form: dict[str, str | None], error: str
) -> None:
    status, refused = await device.post(
        "/oauth/device_authorization", **{"scope": "openid", **form}
    )

    assert (status, refused["error"]) == (401 if error == "invalid_client" else 400, error)


async def test_3_1_the_grant_is_allowed_per_client(app: RelyingParty) -> None:
    status, refused = await app.post("/oauth/device_authorization", scope="openid")
    assert (status, refused["error"]) == (400, "unauthorized_client")

    status, refused = await app.post("/oauth/token", grant_type=DEVICE_CODE, device_code="x")
    assert (status, refused["error"]) == (400, "unauthorized_client")


async def test_3_2_the_answer_has_codes_and_where_to_go(device: RelyingParty) -> None:
    begun = await ask(device)

    page = f"{device.system.gateway_url}/oauth/device"
    assert begun["verification_uri"] == page
    assert begun["verification_uri_complete"] == f"{page}?user_code={begun['user_code']}"
    assert (begun["expires_in"], begun["interval"]) == (600, 1)
    assert re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", begun["user_code"])
    assert len(begun["device_code"]) == 43


async def test_3_2_no_code_is_stored_readably(device: RelyingParty) -> None:
    begun = await ask(device)

    code = begun["user_code"].replace("-", "")
    async with database(device.system) as connection:
        row = await connection.fetchrow(
            "SELECT * FROM oauth.device_authorizations WHERE client_id = $1", device.client_id
        )
    assert row is not None
    stored = [value for value in row.values() if isinstance(value, bytes)]
    assert digest_of(begun["device_code"]) in stored
    for guess in (code, begun["user_code"]):
        assert guess.encode() not in stored
        assert digest_of(guess) not in stored  # which all codes could be tried against
    assert begun["device_code"].encode() not in stored


async def test_3_2_of_many_requests_of_a_client_the_oldest_give_way(
    device: RelyingParty, person: Person
) -> None:
    async with (
        another_instance(device.system, BARONG_OAUTH_DEVICE_CODES="2") as beside,
        aiohttp.ClientSession(beside.public_url("oauth")) as http,
    ):
        begun = []
        for _ in range(3):
            form = {"client_id": device.client_id, "scope": "openid"}
            async with http.post("/oauth/device_authorization", data=form) as got:
                begun.append(await got.json())

    errors = [(await poll(device, each))[1]["error"] for each in begun]
    assert errors == ["invalid_grant", "authorization_pending", "authorization_pending"]


async def test_3_3_a_code_is_read_as_people_type_it(device: RelyingParty, person: Person) -> None:
    for spelling in (str.lower, lambda code: code.replace("-", " "), lambda code: f" {code}\t"):
        begun = await ask(device)
        page = await person.enter(begun, spelling(begun["user_code"]))
        assert page.status == 303, page.text


async def test_3_3_the_newest_page_counts(device: RelyingParty, person: Person) -> None:
    begun = await ask(device)
    first, second = await person.request(begun), await person.request(begun)

    assert (await person.respond(first)).status == 404
    assert (await person.respond(second)).status == 200


@pytest.mark.parametrize("code", ["", "BCDF", "AAAA-AAAA", "BCDF-GHJK", "<script>", "é" * 8])
async def test_3_3_a_wrong_code_leads_nowhere(
    device: RelyingParty, person: Person, code: str
) -> None:
    page = await person.enter(await ask(device), code)

    assert (page.status, "No device waits" in page.text) == (404, True)
    assert "<script>" not in page.text


async def test_3_3_a_code_works_until_it_is_answered(device: RelyingParty, person: Person) -> None:
    begun = await ask(device)
    shown = await person.request(begun)
    assert (await person.respond(shown)).status == 200

    assert (await person.respond(shown)).status == 404
    assert (await person.enter(begun)).status == 404


async def test_3_3_a_code_expires(device: RelyingParty, person: Person) -> None:
    begun = await ask(device)
    shown = await person.request(begun)
    await set_of(device, "expires_at = now()")

    assert (await person.respond(shown)).status == 404
    assert (await person.enter(begun)).status == 404


async def test_3_3_1_a_link_with_the_code_only_fills_it_in(
    device: RelyingParty, person: Person
) -> None:
    begun = await ask(device)

    form = await person.form(begun)
    again = await person.get(begun["verification_uri_complete"])  # now with a session

    assert f'value="{begun["user_code"]}"' in form.text
    assert again.status == 200
    assert (await poll(device, begun))[1]["error"] == "authorization_pending"
    async with database(device.system) as connection:
        shown = await connection.fetchval(
            "SELECT shown_digest FROM oauth.device_authorizations WHERE client_id = $1",
            device.client_id,
        )
    assert shown is None


@pytest.mark.parametrize("code", ['"><script>', "x" * 500, "BCDF"])
async def test_3_3_1_a_link_carries_nothing_but_a_code(device: RelyingParty, code: str) -> None:
    page = await device.visit("GET", "/oauth/device", params={"user_code": code})

    page_of_devices = quote(f"{device.system.gateway_url}/oauth/device", safe="")
    log_in = f"{device.system.gateway_url}/account/log-in"
    assert page.location == f"{log_in}?return_to={page_of_devices}"


async def test_3_5_a_device_that_asks_too_often_has_to_slow_down(device: RelyingParty) -> None:
    begun = await ask(device)
    await set_of(device, "interval_seconds = 50")

    errors = [(await poll(device, begun))[1]["error"] for _ in range(4)]

    assert errors == ["authorization_pending", "slow_down", "slow_down", "slow_down"]
    async with database(device.system) as connection:
        interval = await connection.fetchval(
            "SELECT interval_seconds FROM oauth.device_authorizations WHERE client_id = $1",
            device.client_id,
        )
    assert interval == 60  # five seconds more each time, up to a minute
    await set_of(device, "polled_at = polled_at - interval '1 minute'")
    assert (await poll(device, begun))[1]["error"] == "authorization_pending"


async def test_3_5_other_clients_neither_slow_a_device_nor_get_its_tokens(
    device: RelyingParty, person: Person, registrar: Client
) -> None:
    begun = await ask(device)
    await set_of(device, "interval_seconds = 60")
    async with await RelyingParty.register(
        registrar, redirect_uris=[], grant_types=GRANTS, scopes=SCOPES
    ) as other:
        status, refused = await poll(other, begun)
        assert (status, refused["error"]) == (400, "invalid_grant")
        assert (await poll(device, begun))[1]["error"] == "authorization_pending"
        await person.allow(begun)
        assert (await poll(other, begun))[1]["error"] == "invalid_grant"

    assert (await poll(device, begun))[0] == 200


async def test_3_5_a_refusal_is_told(device: RelyingParty, person: Person) -> None:
    begun = await ask(device)
    page = await person.respond(await person.request(begun), "refuse")

    assert (page.status, "You refused" in page.text) == (200, True)
    for _ in range(2):
        status, refused = await poll(device, begun)
        assert (status, refused["error"]) == (400, "access_denied")


@pytest.mark.parametrize("allowed", [False, True])
async def test_3_5_an_expired_code_is_told(
    device: RelyingParty, person: Person, allowed: bool
) -> None:
    begun = await ask(device)
    if allowed:
        await person.allow(begun)
    await set_of(device, "expires_at = now()")

    status, refused = await poll(device, begun)

    assert (status, refused["error"]) == (400, "expired_token")


@pytest.mark.parametrize("code", [None, "x", "x" * 5000])
async def test_3_5_what_is_no_device_code_is_refused(
    device: RelyingParty, code: str | None
) -> None:
    status, refused = await device.post("/oauth/token", grant_type=DEVICE_CODE, device_code=code)

    assert status == 400
    assert refused["error"] == ("invalid_grant" if code == "x" else "invalid_request")


async def test_3_5_a_device_code_works_once_and_its_second_use_ends_its_tokens(
    device: RelyingParty, person: Person
) -> None:
    begun = await ask(device)
    await person.allow(begun)
    _, tokens = await poll(device, begun)

    status, refused = await poll(device, begun)

    assert (status, refused["error"]) == (400, "invalid_grant")
    assert (await device.userinfo(tokens["access_token"]))[0] == 401


async def test_3_5_of_two_polls_at_once_one_gets_tokens(
    device: RelyingParty, person: Person
) -> None:
    begun = await ask(device)
    await person.allow(begun)

    answers = await asyncio.gather(*(poll(device, begun) for _ in range(3)))

    assert sorted(status for status, _ in answers) == [200, 400, 400]


async def test_3_5_tokens_end_with_what_allowed_them_before_they_are_fetched(
    device: RelyingParty, person: Person, member: Client, registrar: Client
) -> None:
    begun = await ask(device)
    await person.allow(begun)
    taken_back = await member.call("DELETE", f"resource/consents/{device.client_id}")
    assert taken_back.status == 204

    assert (await poll(device, begun))[1]["error"] == "invalid_grant"


async def test_3_5_a_banned_user_logs_no_device_in(
    device: RelyingParty, other_browser: RelyingParty, registrar: Client
) -> None:
    async with Client(device.system) as owner:
        uid = (await owner.become_member()).body["uid"]
        begun = await ask(device)
        await Person(other_browser, owner.email).allow(begun)
        await registrar.post("admin/users/update", {"uid": uid, "state": "banned"})

        assert (await poll(device, begun))[1]["error"] == "invalid_grant"


async def test_3_5_an_administrator_can_take_the_grant_away(
    device: RelyingParty, person: Person, registrar: Client
) -> None:
    begun = await ask(device)
    shown = await person.request(begun)
    path = f"admin/oauth_clients/{device.client_id}"
    changed = await registrar.call("PUT", path, json={"grant_types": ["refresh_token"]})
    assert changed.status == 200, changed.body

    assert (await person.respond(shown)).status == 404
    assert (await poll(device, begun))[1]["error"] == "unauthorized_client"


async def test_4_the_metadata_name_the_endpoint_and_the_grant(device: RelyingParty) -> None:
    shown = json.loads((await device.visit("GET", "/.well-known/openid-configuration")).text)

    url = device.system.gateway_url
    assert shown["device_authorization_endpoint"] == f"{url}/oauth/device_authorization"
    assert DEVICE_CODE in shown["grant_types_supported"]


async def guess(person: Person, begun: dict[str, str], times: int) -> list[int]:
    """The statuses of so many wrong codes."""
    token = (await person.form(begun)).field("csrf_token")
    return [
        (await person.post("/oauth/device", csrf_token=token, user_code="BCDF-GHJK")).status
        for _ in range(times)
    ]


async def test_5_1_guesses_are_counted_for_the_user_in_all_their_sessions(
    device: RelyingParty, other_browser: RelyingParty
) -> None:
    async with Client(device.system) as owner:
        await owner.become_member()
        begun = dict(await ask(device))
        here = Person(device, owner.email, "203.0.113.1")
        there = Person(other_browser, owner.email, "198.51.100.1")
        assert await guess(here, begun, 10) == [404] * 10

        page = await here.enter(begun)
        elsewhere = await there.enter(begun)

    assert (page.status, elsewhere.status) == (429, 429)
    assert 0 < int(page.headers["Retry-After"]) <= 900
    assert "too many attempts" in page.text


async def test_5_1_guesses_are_counted_for_the_network_of_all_users(
    device: RelyingParty, person: Person, member: Client
) -> None:
    person.headers = {"X-Forwarded-For": "2001:db8:1::1"}
    begun = dict(await ask(device))
    assert await guess(person, begun, 1) == [404]
    async with database(device.system) as connection:
        await connection.execute("UPDATE oauth.device_guesses SET guesses = guesses + 49")
        try:
            # The member has used up their own guesses as well: so another member asks.
            async with (
                Client(device.system) as other,
                RelyingParty(
                    device.system, {"client_id": device.client_id, "client_secret": None}
                ) as browser,
            ):
                await other.become_member()
                neighbour = Person(browser, other.email, "2001:db8:1::2")
                page = await neighbour.enter(begun)
        finally:
            await connection.execute("DELETE FROM oauth.device_guesses")

    assert page.status == 429


async def test_5_1_a_right_code_counts_for_nobody(device: RelyingParty, member: Client) -> None:
    async with database(device.system) as connection:
        before = await connection.fetchval(
            "SELECT coalesce(sum(guesses), 0) FROM oauth.device_guesses"
        )
        person = Person(device, member.email, "203.0.113.77")
        for _ in range(12):
            assert (await person.enter(await ask(device))).status == 303
        after = await connection.fetchval(
            "SELECT coalesce(sum(guesses), 0) FROM oauth.device_guesses"
        )

    assert after == before


async def test_5_3_old_requests_are_deleted(device: RelyingParty) -> None:
    begun = await ask(device)
    await set_of(device, "expires_at = now() - interval '61 minutes'")
    async with database(device.system) as connection:

        async def gone() -> bool:
            query = "SELECT count(*) FROM oauth.device_authorizations WHERE client_id = $1"
            return bool(await connection.fetchval(query, device.client_id) == 0)

        async with another_instance(device.system):  # which begins with a sweep
            await until(gone)

    assert (await poll(device, begun))[1]["error"] == "invalid_grant"


async def test_5_4_the_page_shows_who_asks_for_what_and_from_where(
    device: RelyingParty, person: Person
) -> None:
    async with aiohttp.ClientSession(
        device.system.gateway_url,
        headers={"User-Agent": "Television/7 <b>", "X-Forwarded-For": "203.0.113.9"},
    ) as http:
        form = {"client_id": device.client_id, "scope": "openid email"}
        async with http.post("/oauth/device_authorization", data=form) as got:
            begun = await got.json()

    page = await person.request(begun)

    assert page.status == 200
    for shown in (
        *("A television", "Your e-mail address", "203.0.113.9", "Television/7 &lt;b&gt;"),
        *("UTC", person.email, "Allow this only if the device is yours"),
        "This device is not at your address",
    ):
        assert shown in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy


async def test_5_4_a_device_nearby_gives_no_false_alarm(
    device: RelyingParty, person: Person
) -> None:
    page = await person.request(await ask(device))

    assert "This device is not at your address" not in page.text
    assert "Allow this only if the device is yours" in page.text


async def test_5_4_nobody_is_asked_before_they_log_in(device: RelyingParty) -> None:
    begun = await ask(device)

    for page in (
        await device.visit("GET", begun["verification_uri"]),
        await device.visit("GET", begun["verification_uri_complete"]),
        await device.visit(
            "POST",
            "/oauth/device",
            data={"user_code": begun["user_code"]},
            headers=device.origin,
        ),
        await device.visit("GET", "/oauth/device/confirm?request=x"),
        await device.visit(
            "POST",
            "/oauth/device/confirm",
            data={"request": "x", "action": "accept"},
            headers=device.origin,
        ),
    ):
        assert page.status == 303
        assert page.location.startswith(f"{device.system.gateway_url}/account/log-in?return_to=")
    assert (await poll(device, begun))[1]["error"] == "authorization_pending"


async def test_5_4_forms_need_the_token_of_the_session(
    device: RelyingParty, person: Person
) -> None:
    begun = await ask(device)
    shown = (await person.request(begun)).field("request")

    for path, form in (
        ("/oauth/device", {"user_code": begun["user_code"]}),
        ("/oauth/device/confirm", {"request": shown, "action": "accept"}),
        ("/oauth/device/confirm", {"request": shown, "action": "refuse"}),
    ):
        for token in ({}, {"csrf_token": "wrong"}):
            assert (await person.post(path, **form, **token)).status == 403
    assert (await poll(device, begun))[1]["error"] == "authorization_pending"


async def test_5_4_forms_of_other_sites_are_refused(device: RelyingParty, person: Person) -> None:
    begun = await ask(device)
    page = await person.request(begun)
    form = {name: page.field(name) for name in ("request", "csrf_token")}

    refused = await device.visit(
        "POST",
        "/oauth/device/confirm",
        data={**form, "action": "accept"},
        headers={"Origin": "https://attacker.example"},
    )

    assert refused.status == 403
    assert (await poll(device, begun))[1]["error"] == "authorization_pending"


async def test_5_4_only_the_session_that_was_shown_the_request_answers_it(
    device: RelyingParty, person: Person, other_browser: RelyingParty, registrar: Client
) -> None:
    begun = await ask(device)
    shown = (await person.request(begun)).field("request")
    async with Client(device.system) as other:
        await other.become_member()
        other_member = Person(other_browser, other.email)
        token = (await other_member.form(await ask(device))).field("csrf_token")

        seen = await other_member.get(f"/oauth/device/confirm?request={shown}")
        page = await other_member.post(
            "/oauth/device/confirm", request=shown, csrf_token=token, action="accept"
        )

    assert (seen.status, page.status) == (404, 404)
    assert (await poll(device, begun))[1]["error"] == "authorization_pending"


async def test_5_4_a_client_of_our_own_is_confirmed_too(registrar: Client, member: Client) -> None:
    async with await RelyingParty.register(
        registrar, first_party=True, redirect_uris=[], authentication="none", grant_types=GRANTS
    ) as device:
        begun = await ask(device)
        person = Person(device, member.email)
        page = await person.request(begun)
        assert (await poll(device, begun))[1]["error"] == "authorization_pending"
        assert (await person.respond(page)).status == 200

        assert (await poll(device, begun))[0] == 200


async def test_a_wrong_password_keeps_the_code(device: RelyingParty, person: Person) -> None:
    begun = await ask(device)

    typed = {"user_code": begun["user_code"], "email": person.email}
    page = await person.post("/oauth/device/login", **typed, password="wrong")

    assert page.status == 401
    assert page.field("user_code") == begun["user_code"]
    assert "wrong" in page.text
    assert "Passkeys and log-ins by mail do not work here." in page.text
    page = await person.post("/oauth/device/login", **typed, password=PASSWORD)
    assert page.location.endswith(f"/oauth/device?user_code={begun['user_code']}")


async def test_pages_are_in_the_language_of_the_browser(device: RelyingParty) -> None:
    page = await device.visit(
        "GET", "/oauth/device/login", headers={"Accept-Language": "de-AT,de;q=0.9"}
    )

    assert "um ein Gerät zu verbinden" in page.text


async def test_a_page_of_another_front_end_looks_a_code_up_and_answers(
    device: RelyingParty, member: Client
) -> None:
    begun = await ask(device, scope="openid email")
    async with Client(device.system) as page, Client(device.system) as other_member:
        await page.log_in(member.email)
        await other_member.become_member()
        await other_member.log_in()
        entered = await page.post(DEVICES, {"user_code": begun["user_code"].lower()})
        path = f"{DEVICES}/{entered.body['id']}"
        again = await page.get(path)
        foreign = (
            await other_member.get(path),
            await other_member.post(path, {"action": "accept"}),
        )
        odd = await page.post(path, {"action": "maybe"})
        assert (await poll(device, begun))[1]["error"] == "authorization_pending"
        answered = await page.post(path, {"action": "accept"})
        gone = (await page.get(path), await page.post(path, {"action": "refuse"}))

    assert entered.status == 201
    assert entered.body == again.body
    shown = {name: entered.body[name] for name in ("client_name", "scopes", "address", "nearby")}
    assert shown == {
        "client_name": "A television",
        "scopes": ["openid", "email"],
        "address": "127.0.0.1",
        "nearby": True,
    }
    assert entered.body["created_at"] < entered.body["expires_at"]
    assert [each.status for each in foreign] == [404, 404]
    assert (odd.status, odd.errors) == (422, ["oauth.device.invalid_action"])
    assert answered.status == 204
    assert [each.errors for each in gone] == [["oauth.device.doesnt_exist"]] * 2
    status, tokens = await poll(device, begun)
    assert (status, tokens["scope"]) == (200, "openid email")


async def test_a_page_of_another_front_end_refuses(device: RelyingParty, member: Client) -> None:
    begun = await ask(device)
    async with Client(device.system) as page:
        await page.log_in(member.email)
        first = (await page.post(DEVICES, {"user_code": begun["user_code"]})).body["id"]
        second = (await page.post(DEVICES, {"user_code": begun["user_code"]})).body["id"]
        assert (await page.post(f"{DEVICES}/{first}", {"action": "refuse"})).status == 404
        assert (await page.post(f"{DEVICES}/{second}", {"action": "refuse"})).status == 204

    assert (await poll(device, begun))[1]["error"] == "access_denied"


async def test_the_api_for_devices_takes_a_session_and_its_token(
    device: RelyingParty, member: Client
) -> None:
    begun = await ask(device)
    typed = {"user_code": begun["user_code"]}
    async with Client(device.system) as nobody, Client(device.system) as page:
        calls = (
            await nobody.post(DEVICES, typed),
            await nobody.get(f"{DEVICES}/x"),
            await nobody.post(f"{DEVICES}/x", {"action": "accept"}),
        )
        await page.log_in(member.email)
        path = f"{DEVICES}/{(await page.post(DEVICES, typed)).body['id']}"
        forged = {"headers": {"X-CSRF-Token": "guessed"}}
        refused = (
            await page.post(DEVICES, typed, **forged),
            await page.post(path, {"action": "accept"}, **forged),
        )

    assert [(each.status, each.errors) for each in calls] == [
        (401, ["oauth.challenge.login_required"])
    ] * 3
    assert [(each.status, each.errors) for each in refused] == [
        (403, ["oauth.challenge.csrf_token_mismatch"])
    ] * 2
    assert (await poll(device, begun))[1]["error"] == "authorization_pending"


async def test_5_1_guesses_by_the_api_count_as_those_on_the_page(
    device: RelyingParty, other_browser: RelyingParty
) -> None:
    begun = await ask(device)
    async with Client(device.system) as page:
        page.headers["X-Forwarded-For"] = "203.0.113.9"
        await page.become_member()
        await page.log_in()
        wrong = [await page.post(DEVICES, {"user_code": "BCDF-GHJK"}) for _ in range(PER_USER)]
        right = await page.post(DEVICES, {"user_code": begun["user_code"]})
        on_the_page = await Person(other_browser, page.email, "203.0.113.9").enter(begun)

    assert {(each.status, *each.errors) for each in wrong} == {(404, "oauth.device.unknown_code")}
    assert (right.status, right.errors) == (429, ["request.throttled"])
    assert 0 < int(right.headers["Retry-After"]) <= 900
    assert on_the_page.status == 429


async def test_devices_show_the_address_of_an_operators_own_page(device: RelyingParty) -> None:
    own = "https://www.example.com/tv?x=1"
    async with (
        another_instance(device.system, BARONG_OAUTH_DEVICE_URL=own) as beside,
        aiohttp.ClientSession(beside.public_url("oauth")) as http,
        http.post(
            "/oauth/device_authorization",
            data={"client_id": device.client_id, "scope": "openid"},
        ) as got,
    ):
        begun = await got.json()

    assert begun["verification_uri"] == own
    assert begun["verification_uri_complete"] == f"{own}&user_code={begun['user_code']}"


async def test_an_operators_own_page_logs_users_in(device: RelyingParty) -> None:
    begun = await ask(device)
    async with (
        another_instance(
            device.system, BARONG_OAUTH_LOGIN_URL="https://www.example.com/log-in?x=1"
        ) as beside,
        aiohttp.ClientSession(beside.public_url("oauth")) as http,
        http.get(
            "/oauth/device", params={"user_code": begun["user_code"]}, allow_redirects=False
        ) as got,
    ):
        location = got.headers["Location"]

    start, _, encoded = location.partition("&return_to=")
    assert start == "https://www.example.com/log-in?x=1"
    assert encoded.endswith(f"device%3Fuser_code%3D{begun['user_code']}")
