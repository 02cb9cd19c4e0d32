"""The examples of the API document are exchanges with the services, made here once more.

`make api-examples` writes what the services answer today.
"""

import io
import json
import os
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import aio_pika
import aiohttp
import pytest

from deploy.openapi.examples import BY_HAND, EXAMPLES, FILE
from shared.contracts.topology import ADMIN
from shared.messaging.broker import connected
from tests.contract.documented import told
from tests.contract.exchanges import Recorder, agree, normal
from tests.support.authenticator import Authenticator, forget_used_codes
from tests.support.client import Client
from tests.support.internal import tables_of_identity
from tests.support.openid_provider import (
    OpenIdProvider,
    Person,
    openid_provider,
    provider_file,
    settings_of,
)
from tests.support.passkeys import SoftAuthenticator
from tests.support.system import PASSWORD, SUPERADMIN, Installation, started
from tests.support.waiting import until
from tests.support.webhook_receiver import webhook_receiver

NEW_PASSWORD = "N3w-train-by-night"
PHONE = "+14155552671"
A_PDF = b"%PDF-1.7\n" + bytes(100)
PROFILE = {
    "first_name": "Alice",
    "last_name": "Doe",
    "dob": "1990-01-31",
    "address": "1 High Street",
    "postcode": "79100",
    "city": "Lviv",
    "country": "UA",
}
DOCUMENT = {"doc_type": "Passport", "doc_number": "AA123456", "doc_expire": "2999-01-31"}
RESTRICTION = {"scope": "ip", "value": "198.51.100.7", "category": "blacklist", "code": 471}
FULL: Any = {"x-max-length": 0, "x-overflow": "reject-publish"}
"""The arguments of a queue that takes nothing, so that a replay into it does not end."""
PERMISSION = {"role": "member", "verb": "GET", "path": "api/v2/market/orders", "action": "ACCEPT"}


CREATED: Any = {
    "id": "bGFwdG9w",
    "rawId": "bGFwdG9w",
    "type": "public-key",
    "response": {"clientDataJSON": "eyJ0eXBlIjoi", "attestationObject": "o2NmbXRkbm9u"},
    "clientExtensionResults": {},
}
USED: Any = {
    **CREATED,
    "response": {
        "clientDataJSON": "eyJ0eXBlIjoi",
        "authenticatorData": "SZYN5YgOjGh0",
        "signature": "MEUCIQDk",
        "userHandle": "SURBMTFDRTAwMDAx",
    },
}
"""What browsers send of a passkey, cut short."""


async def test_examples_are_what_services_answer(
    system_of_my_own: Installation, tmp_path: Path
) -> None:
    recorder = Recorder()
    async with openid_provider() as provider:
        settings = settings_of(provider_file(tmp_path, provider))
        environments = system_of_my_own.environments
        system = replace(
            system_of_my_own,
            environments={**environments, "identity": {**environments["identity"], **settings}},
        )
        await record(recorder, system, provider)
    recorded = normal(recorder.exchanges)
    if "BARONG_RECORD_EXAMPLES" in os.environ:
        FILE.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
        pytest.skip(f"{FILE.name} was written.")
    assert recorded.keys() | BY_HAND.keys() == set(operations())
    assert recorded.keys() == EXAMPLES.keys()
    assert [name for name in recorded if not agree(EXAMPLES[name], recorded[name])] == []


async def record(
    recorder: Recorder, system_of_my_own: Installation, provider: OpenIdProvider
) -> None:
    """Makes the calls of all examples."""
    async with (
        started(system_of_my_own),
        Client(system_of_my_own) as alice,
        Client(system_of_my_own) as admin,
    ):
        uid = await sign_up_and_log_in(recorder, alice)
        await own_account(recorder, alice)
        await recorder.call(
            admin, "POST /identity/sessions", {"email": SUPERADMIN, "password": PASSWORD}
        )
        await users(recorder, admin, uid)
        await policy(recorder, admin, alice)
        await audit_log(recorder, admin, alice)
        await events(recorder, admin, uid)
        await webhooks(recorder, admin, alice)
        await oauth(recorder, admin, alice, uid)
        await secrets_of(recorder, admin, alice, uid)
        await mail_log_in(recorder, alice)
        await linked_accounts(recorder, alice, provider)
        await farewell(recorder, alice)
        await addresses(recorder, admin)


def operations() -> list[str]:
    return [
        f"{method.upper()} {path}"
        for path, item in told()["paths"].items()
        for method in item.keys() - {"servers"}
    ]


async def sign_up_and_log_in(recorder: Recorder, alice: Client) -> str:
    """Makes Alice an active member with a session, and returns her uid; Bob stays pending."""
    for name in ("/.well-known/jwks.json", *(f"/identity/{n}" for n in ABOUT)):
        await recorder.call(alice, f"GET {name}")
    await recorder.call(alice, "POST /identity/password/validate", {"password": PASSWORD})
    alice.email = "alice@example.com"
    account = {"email": alice.email, "password": PASSWORD}
    user = await recorder.call(alice, "POST /identity/users", account)
    token = await alice.mailed_token()
    again = "POST /identity/users/email/generate_code"
    await recorder.call(alice, again, {"email": alice.email})
    token = await next_token(alice, token)
    await recorder.call(alice, "POST /identity/users/email/confirm_code", {"token": token})
    reset = "/identity/users/password"
    await recorder.call(alice, f"POST {reset}/generate_code", {"email": alice.email})
    token = await next_token(alice, token)
    passwords = {"password": PASSWORD, "confirm_password": PASSWORD}
    await recorder.call(
        alice, f"POST {reset}/confirm_code", {"reset_password_token": token, **passwords}
    )
    await recorder.call(alice, "POST /identity/sessions", account)
    await recorder.call(alice, "GET /identity/sessions")
    async with Client(alice.system) as bob:
        await bob.sign_up(email="bob@example.com")
    return str(user["uid"])


async def mail_log_in(recorder: Recorder, alice: Client) -> None:
    """A log-in by the link of a mail."""
    before, mail = await alice.mailed_token(), "POST /identity/sessions/mail"
    await recorder.call(alice, f"{mail}/request", {"email": alice.email})
    token = await next_token(alice, before)
    await recorder.call(alice, mail, {"token": token})


async def linked_accounts(recorder: Recorder, alice: Client, provider: OpenIdProvider) -> None:
    """An account of Alice's at another provider: linked, used for a log-in, and unlinked."""
    person, asked = Person("248289761001", alice.email), {"provider": "example"}

    async def given(request: str) -> dict[str, str]:
        question = await recorder.call(alice, request, asked)
        return {**asked, **provider.come_back(question["url"], person)}

    linked = "/resource/linked_accounts"
    for request, answer in (
        (f"POST {linked}/request", f"POST {linked}"),
        ("POST /identity/sessions/provider/request", "POST /identity/sessions/provider"),
    ):
        form = await given(request)
        await recorder.call(alice, answer, form, shown={**form, "code": "SplxlOBeZQQYbYS6WxSbIA"})
    [shown] = await recorder.call(alice, f"GET {linked}")
    await recorder.call(alice, f"DELETE {linked}/{{id}}", id=shown["id"])


ABOUT = ("configs", "version", "time", "ping")


async def next_token(client: Client, before: str) -> str:
    """The token of the mail after that with this token."""
    file = client.system.mail / f"{quote(client.email, safe='@')}.token"

    async def arrived() -> str:
        token = file.read_text()
        return token if token != before else ""

    return await until(arrived)


async def own_account(recorder: Recorder, alice: Client) -> None:
    """What users do with their own accounts."""
    await recorder.call(alice, "PUT /resource/users/me", {"data": '{"language":"en"}'})
    label = {"key": "color", "value": "blue"}
    await recorder.call(alice, "POST /resource/labels", label)
    await recorder.call(alice, "GET /resource/labels/{key}", key="color")
    await recorder.call(alice, "PATCH /resource/labels/{key}", {"value": "green"}, key="color")
    await recorder.call(alice, "GET /resource/labels")
    await recorder.call(alice, "POST /resource/profiles", PROFILE)
    await recorder.call(alice, "PUT /resource/profiles", {"city": "Kyiv", "confirm": True})
    await recorder.call(alice, "GET /resource/profiles/me")
    number = {"phone_number": PHONE}
    await recorder.call(alice, "POST /resource/phones", {**number, "channel": "sms"})
    await recorder.call(alice, "POST /resource/phones/send_code", {**number, "channel": "sms"})
    code = {**number, "verification_code": "00000"}
    await recorder.call(alice, "POST /resource/phones/verify", code)
    await recorder.call(alice, "GET /resource/phones")
    storage = {"title": "personal", "data": '{"theme":"dark"}'}
    await recorder.call(alice, "POST /resource/data_storage", storage)
    form = aiohttp.FormData(DOCUMENT, default_to_multipart=True)
    form.add_field("upload[]", io.BytesIO(A_PDF), filename="passport.pdf")
    shown = {**DOCUMENT, "upload": ["passport.pdf"]}
    made = await recorder.call(alice, "POST /resource/documents", form, shown=shown)
    await recorder.call(alice, "GET /resource/documents")
    url = urlsplit(made["upload"]["url"])
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    key = url.path.partition("/uploads/")[2]
    await recorder.call(alice, "GET /resource/uploads/{key}", query=query, key=key)
    await recorder.call(alice, "POST /resource/sessions/verify", {"password": PASSWORD})
    await recorder.call(alice, "GET /resource/users/me")
    await recorder.call(alice, "GET /resource/users/me/export")


async def addresses(recorder: Recorder, admin: Client) -> None:
    """Carol has another address for a while, takes the first one back, and then loses it."""
    async with Client(admin.system) as carol:
        first, second = "carol@example.com", "carol@example.org"
        uid = (await carol.sign_up(email=first)).body["uid"]
        assert (await carol.confirm()).status == 201
        whose = {"uid": uid}
        session, *_ = await recorder.call(admin, "GET /admin/users/sessions", query=whose)
        which = {**whose, "id": session["id"]}
        await recorder.call(admin, "DELETE /admin/users/sessions", query=which)
        assert (await carol.log_in()).status == 201
        before = await carol.mailed_token()
        await recorder.call(carol, "POST /resource/users/email", {"email": second})
        carol.email = second
        form = {"token": await carol.mailed_token()}
        await recorder.call(carol, "POST /identity/users/email/change", form)
        carol.email = first
        form = {"token": await next_token(carol, before)}
        await recorder.call(carol, "POST /identity/users/email/reversal", form)
        form = {"uid": uid, "email": "carol@example.net"}
        await recorder.call(admin, "PUT /admin/users/email", form)


async def users(recorder: Recorder, admin: Client, uid: str) -> None:
    """What administrators do about users."""
    whom = {"uid": uid}

    async def known() -> bool:
        answer = await admin.get(f"admin/users/{uid}")
        return answer.status == 200 and bool(answer.body["documents"] and answer.body["profiles"])

    await until(known)
    await recorder.call(admin, "GET /admin/users/documents/pending", query={"extended": True})
    await recorder.call(admin, "PUT /admin/profiles", {**whom, "state": "verified"})
    await recorder.call(admin, "GET /admin/profiles", query={"limit": 2})
    label = {**whom, "key": "vip", "scope": "private"}
    note = {"description": "Agreed by mail"}
    await recorder.call(admin, "POST /admin/users/labels", {**label, "value": "silver", **note})
    await recorder.call(admin, "PUT /admin/users/labels", {**label, "value": "gold"})
    await recorder.call(
        admin, "POST /admin/users/labels/update", {**label, "value": "gold", **note}
    )

    async def labelled() -> bool:
        answer = await admin.get("admin/users/labels", params=having)
        return answer.status == 200 and bool(answer.body)

    having = {"key": "vip", "value": "gold"}
    await until(labelled)
    await recorder.call(admin, "GET /admin/users/labels", query=having)
    await recorder.call(admin, "GET /admin/users/labels/list")
    await recorder.call(admin, "GET /admin/users/{uid}", uid=uid)
    await recorder.call(admin, "GET /admin/users", query={"limit": 2})
    await recorder.call(admin, "DELETE /admin/users/labels", query=label)
    await recorder.call(
        admin, "DELETE /admin/users/data_storage", query={**whom, "title": "personal"}
    )
    state = {**whom, "state": "active"}
    await recorder.call(admin, "PUT /admin/users", {**whom, "state": "banned"})
    await recorder.call(admin, "POST /admin/users/update", state)
    await recorder.call(admin, "POST /admin/users/role", {**whom, "role": "trader"})


async def policy(recorder: Recorder, admin: Client, alice: Client) -> None:
    """Levels, permissions and restrictions."""
    await recorder.call(admin, "GET /admin/levels")
    await recorder.call(admin, "GET /admin/permissions", query={"limit": 2})
    made = await recorder.call(admin, "POST /admin/permissions", PERMISSION)
    which = {"id": made["id"]}
    await recorder.call(admin, "PUT /admin/permissions", {**which, "action": "AUDIT"})
    tried = {name: PERMISSION[name] for name in ("role", "verb", "path")}
    await recorder.call(admin, "GET /admin/permissions/check", query=tried)
    await recorder.call(admin, "GET /admin/abilities")
    await recorder.call(admin, "DELETE /admin/permissions", query=which)
    made = await recorder.call(admin, "POST /admin/restrictions", RESTRICTION)
    which = {"id": made["id"]}
    await recorder.call(admin, "PUT /admin/restrictions", {**which, "state": "disabled"})
    await recorder.call(admin, "GET /admin/restrictions", query={"category": "blacklist"})
    other = {"value": "198.51.100.8", "address": "198.51.100.8"}
    check = "GET /admin/restrictions/check"
    await recorder.call(admin, check, query={**RESTRICTION, **other})
    await recorder.call(admin, "DELETE /admin/restrictions", query=which)
    link = await recorder.call(
        admin, "POST /admin/restrictions/whitelink", {"expire_time": 1, "range": "day"}
    )
    await recorder.call(alice, "POST /identity/users/access", link)


async def audit_log(recorder: Recorder, admin: Client, alice: Client) -> None:
    """What somebody did."""

    async def listed(path: str) -> bool:
        return bool((await admin.get(path)).body)

    await until(lambda: listed("admin/activities?topic=session&limit=2"))
    await until(lambda: listed("admin/activities/admin?limit=2&range=created"))
    await until(lambda: signed_up(admin))
    await recorder.call(admin, "GET /admin/activities", query={"topic": "session", "limit": 2})
    await recorder.call(admin, "GET /admin/activities/admin", query={"limit": 2})
    await recorder.call(admin, "GET /admin/metrics")
    await recorder.call(admin, "GET /admin/metrics/recent")
    await alice.log_in()

    async def remembered() -> bool:
        return bool((await alice.get("resource/users/activity/session")).body)

    await until(remembered)
    await recorder.call(alice, "GET /resource/users/activity/{topic}", topic="session")


async def events(recorder: Recorder, admin: Client, uid: str) -> None:
    """Published events, a replay that is cancelled, dead letters, and a snapshot."""
    url = admin.system.environments["admin"]["AMQP_URL"]
    async with connected(url, "examples") as connection:
        channel = await connection.channel()
        await channel.declare_queue("crm", arguments=FULL)
        of_alice = {"service": "identity-svc", "uid": uid, "name": "model.user.#"}
        await recorder.call(admin, "GET /admin/events", query={**of_alice, "limit": 1})
        asked = {**of_alice, "queue": "crm"}
        replay = await recorder.call(admin, "POST /admin/events/replays", asked)
        which = {"service": "identity-svc"}
        await recorder.call(admin, "GET /admin/events/replays", query=which)
        await recorder.call(
            admin, "DELETE /admin/events/replays/{id}", query=which, id=replay["id"]
        )
        dead_id = str(uuid.uuid4())
        dead = aio_pika.Message(b"{}", message_id=dead_id, type="model.user.updated")
        for _ in range(3):
            await channel.default_exchange.publish(dead, ADMIN.dead_letters)
    queue = ADMIN.queue
    await recorder.call(admin, "GET /admin/dead_letters")
    await recorder.call(admin, "GET /admin/dead_letters/{queue}", query={"limit": 1}, queue=queue)
    which = {"id": dead_id}
    await recorder.call(admin, "DELETE /admin/dead_letters/{queue}", query=which, queue=queue)
    async with connected(url, "examples") as connection:
        channel = await connection.channel()
        await channel.default_exchange.publish(dead, ADMIN.dead_letters)
    await recorder.call(admin, "POST /admin/dead_letters/{queue}/replay", which, queue=queue)
    page = {"limit": 1, "cursor": uid[:-1]}  # Alice follows
    await recorder.call(admin, "GET /admin/snapshots/users", query=page)


async def webhooks(recorder: Recorder, admin: Client, alice: Client) -> None:
    """An endpoint, a delivery to it, and its end."""
    async with webhook_receiver() as receiver:
        wanted = {"url": receiver.url, "events": "model.label.updated", "description": "CRM"}
        made = await recorder.call(admin, "POST /admin/webhooks", wanted)
        own = {"id": made["id"]}
        await recorder.call(admin, "GET /admin/webhooks")
        await recorder.call(admin, "GET /admin/webhooks/{id}", **own)
        await recorder.call(admin, "PUT /admin/webhooks/{id}", {"state": "active"}, **own)
        await recorder.call(admin, "POST /admin/webhooks/{id}/secret", **own)
        await recorder.call(admin, "POST /admin/webhooks/{id}/test", **own)
        await alice.call("POST", "resource/labels", {"key": "plan", "value": "free"})
        await alice.call("PATCH", "resource/labels/plan", {"value": "paid"})

        async def delivered() -> Any:
            listed = await admin.get(
                f"admin/webhooks/{made['id']}/deliveries", params={"state": "delivered"}
            )
            return listed.body

        (delivery,) = await until(delivered)
        await recorder.call(admin, "GET /admin/webhooks/{id}/deliveries", **own)
        span = {"since": 1}
        await recorder.call(admin, "POST /admin/webhooks/{id}/resend", span, **own)
        again = "POST /admin/webhooks/{id}/deliveries/{delivery_id}/resend"
        await recorder.call(admin, again, **own, delivery_id=delivery["id"])
        await recorder.call(admin, "DELETE /admin/webhooks/{id}", **own)


async def oauth(recorder: Recorder, admin: Client, alice: Client, uid: str) -> None:
    """A client of the OAuth provider, what Alice allows it, and its end."""
    clients = "/admin/oauth_clients"
    callback = "https://app.example.com/callback"
    wanted = {"name": "Example app", "redirect_uris": callback, "scopes": "openid,email"}
    made = await recorder.call(admin, f"POST {clients}", wanted)
    own = {"client_id": made["client_id"]}
    await recorder.call(admin, f"GET {clients}")
    await recorder.call(admin, f"GET {clients}/{{client_id}}", **own)
    await recorder.call(admin, f"PUT {clients}/{{client_id}}", {"name": "Example"}, **own)
    await recorder.call(admin, f"POST {clients}/{{client_id}}/secret", **own)
    for revoked_by in (alice, admin):
        challenge = await challenged(alice, made["client_id"], callback)
        if revoked_by is alice:
            await recorder.call(alice, "GET /identity/oauth/challenges/{id}", id=challenge)
            accept = {"kind": "consent", "action": "accept"}
            await recorder.call(alice, "POST /identity/oauth/challenges/{id}", accept, id=challenge)
            await recorder.call(alice, "GET /resource/consents")
            await recorder.call(alice, "DELETE /resource/consents/{client_id}", **own)
        else:
            accept = {"kind": "consent", "action": "accept"}
            await alice.post(f"identity/oauth/challenges/{challenge}", accept)
            await recorder.call(admin, f"GET {clients}/{{client_id}}/consents", **own)
            await recorder.call(
                admin, f"DELETE {clients}/{{client_id}}/consents/{{uid}}", **own, uid=uid
            )
    await recorder.call(admin, f"DELETE {clients}/{{client_id}}", **own)
    await device(recorder, admin, alice)


async def device(recorder: Recorder, admin: Client, alice: Client) -> None:
    """A television asks for access, and Alice lets it."""
    grant_type = "urn:ietf:params:oauth:grant-type:device_code"
    wanted = {"name": "Television", "authentication": "none", "grant_types": grant_type}
    made = await admin.post("admin/oauth_clients", wanted)
    asked = {"client_id": made.body["client_id"], "scope": "openid"}
    television_headers = {"User-Agent": "Television/1.0"}
    async with (
        aiohttp.ClientSession(alice.system.gateway_url, headers=television_headers) as television,
        television.post("/oauth/device_authorization", data=asked) as got,
    ):
        user_code = (await got.json())["user_code"]
    entered = await recorder.call(alice, "POST /identity/oauth/devices", {"user_code": user_code})
    shown = {"id": entered["id"]}
    await recorder.call(alice, "GET /identity/oauth/devices/{id}", **shown)
    await recorder.call(alice, "POST /identity/oauth/devices/{id}", {"action": "accept"}, **shown)
    await admin.call("DELETE", f"admin/oauth_clients/{made.body['client_id']}")


async def challenged(alice: Client, client_id: str, callback: str) -> str:
    """The challenge that the provider sends Alice's browser to a page with."""
    asked = {
        "client_id": client_id,
        "redirect_uri": callback,
        "response_type": "code",
        "scope": "openid email",
        "state": "a-state",
    }
    location = await alice.redirected("/oauth/authorize", asked)
    return parse_qs(urlsplit(location).query)["consent_challenge"][0]


async def signed_up(admin: Client) -> bool:
    counts = (await admin.get("admin/metrics")).body
    return bool(counts["signups"] and counts["sucessful_logins"])


async def secrets_of(recorder: Recorder, admin: Client, alice: Client, uid: str) -> None:
    """The second factor and API keys."""
    made = await recorder.call(alice, "POST /resource/otp/generate_qrcode")
    (secret,) = parse_qs(urlsplit(made["data"]["url"]).query)["secret"]
    authenticator = Authenticator(secret)

    async def code() -> str:
        await forget_used_codes(alice, uid)
        return authenticator.code()

    await recorder.call(alice, "POST /resource/otp/enable", {"code": await code()})
    await recorder.call(alice, "POST /resource/otp/verify", {"code": await code()})
    await recorder.call(alice, "POST /resource/otp/recovery_codes")
    await recorder.call(alice, "GET /resource/otp/recovery_codes")
    await passkeys(recorder, alice)
    key = {"algorithm": "hmac-sha256", "scope": "trade,read"}
    form = {**key, "totp_code": await code()}
    made = await recorder.call(alice, "POST /resource/api_keys", form)
    kid = made["kid"]
    await recorder.call(alice, "GET /resource/api_keys")
    await recorder.call(admin, "GET /admin/api_keys", query={"uid": uid})
    form = {"state": "inactive", "totp_code": await code()}
    await recorder.call(alice, "PATCH /resource/api_keys/{kid}", form, kid=kid)
    proof = {"totp_code": await code()}
    await recorder.call(alice, "DELETE /resource/api_keys/{kid}", query=proof, kid=kid)
    await recorder.call(alice, "POST /resource/otp/disable", {"code": await code()})


async def passkeys(recorder: Recorder, alice: Client) -> None:
    """A passkey of Alice's: added, used, renamed and deleted."""
    authenticator = SoftAuthenticator()
    asked = await recorder.call(alice, "POST /resource/passkeys/options")
    added = await recorder.call(
        alice,
        "POST /resource/passkeys",
        {"credential": authenticator.create(asked["publicKey"]), "name": "Laptop"},
        shown={"credential": CREATED, "name": "Laptop"},
    )
    await recorder.call(alice, "GET /resource/passkeys")
    for path in ("/resource/sessions/verify/passkey", "/identity/sessions/passkey"):
        asked = await recorder.call(alice, f"POST {path}/options")
        credential = authenticator.get(asked["publicKey"])
        body, shown = {"credential": credential}, {"credential": USED}
        await recorder.call(alice, f"POST {path}", body, shown=shown)
    await trusted_devices(recorder, alice)
    one = "/resource/passkeys/{id}"
    await recorder.call(alice, f"PATCH {one}", {"name": "Office"}, id=added["id"])
    await recorder.call(alice, f"DELETE {one}", id=added["id"])


async def trusted_devices(recorder: Recorder, alice: Client) -> None:
    """A device that is trusted, as if the installation allowed it."""
    async with tables_of_identity(alice.system) as tables:
        await tables.execute(
            "INSERT INTO trusted_devices (id, uid, digest, user_agent, address, expires_at)"
            " SELECT gen_random_uuid(), uid, ''::bytea, 'Firefox', '127.0.0.1', now() + '30 days'"
            " FROM users WHERE email = $1",
            alice.email,
        )
    [device] = await recorder.call(alice, "GET /resource/trusted_devices")
    await recorder.call(alice, "DELETE /resource/trusted_devices/{id}", id=device["id"])


async def farewell(recorder: Recorder, alice: Client) -> None:
    """Sessions end, a label and a phone go, and then the account."""
    await recorder.call(alice, "DELETE /resource/labels/{key}", key="color")
    await recorder.call(alice, "DELETE /resource/phones", query={"phone_number": PHONE})
    change = {"new_password": NEW_PASSWORD, "confirm_password": NEW_PASSWORD}
    await recorder.call(alice, "PUT /resource/users/password", {"old_password": PASSWORD, **change})
    async with Client(alice.system) as telephone:
        await telephone.log_in(alice.email, NEW_PASSWORD)
        sessions = await recorder.call(alice, "GET /resource/sessions")
        other = next(each["id"] for each in sessions if not each["current"])
        await recorder.call(alice, "DELETE /resource/sessions/{id}", id=other)
        await telephone.log_in(alice.email, NEW_PASSWORD)
        await recorder.call(telephone, "DELETE /identity/sessions")
    await recorder.call(alice, "DELETE /resource/users/me", query={"password": NEW_PASSWORD})
