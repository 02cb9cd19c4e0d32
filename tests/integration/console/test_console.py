"""The console as administrators of all roles see it, without JavaScript."""

import html
import re
import secrets
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from tests.support.client import Client
from tests.support.pages import Pages, Shown
from tests.support.system import SUPERADMIN, Installation
from tests.support.waiting import until

MENU = {
    "superadmin": {
        *("/console", "/console/users", "/console/reviews", "/console/permissions"),
        *("/console/restrictions", "/console/activities/users", "/console/webhooks"),
        *("/console/activities/administrators", "/console/dead-letters", "/console/signing-keys"),
    },
    "support": {
        *("/console", "/console/users", "/console/reviews"),
        *("/console/activities/users", "/console/signing-keys"),
    },
}


async def staff(system: Installation, admin: Client, pages: Pages, role: str) -> None:
    """Logs the visitor in as somebody of this role."""
    async with Client(system) as person:
        await person.become_member()
        uid = (await person.get("resource/users/me")).body["uid"]
        changed = await admin.post("admin/users/role", {"uid": uid, "role": role})
        assert changed.status == 201
        await pages.log_in(person.email)


@pytest.mark.parametrize("role", MENU)
async def test_a_role_sees_what_it_may_do(
    system: Installation, admin: Client, pages: Pages, role: str
) -> None:
    if role == "superadmin":
        await pages.log_in(SUPERADMIN)
    else:
        await staff(system, admin, pages, role)
    shown = await pages.get("/console")
    assert shown.status == 200
    every = set().union(*MENU.values())
    assert {path for path in every if f'<li><a href="{path}"' in shown.html} == MENU[role]
    for path in sorted(every):
        answer = await pages.get(path)
        assert answer.status == (200 if path in MENU[role] else 403), path
        if path not in MENU[role]:
            assert "Your role may not do this." in answer.text
            assert answer.headers["X-Request-Id"] in answer.text


async def test_a_member_has_no_console(pages: Pages) -> None:
    await pages.sign_up()
    for path in ("/console", "/console/users", "/console/reviews", "/console/signing-keys"):
        assert (await pages.get(path)).status == 403
    assert (await pages.get("/account")).html.count('href="/console"') == 0


async def test_a_support_s_user_page_has_no_forms(
    system: Installation, admin: Client, pages: Pages
) -> None:
    async with Client(system) as member:
        await member.become_member()
        uid = (await member.get("resource/users/me")).body["uid"]
    await staff(system, admin, pages, "support")
    page = f"/console/users/{uid}"

    async def shown() -> bool:
        return (await pages.get(page)).status == 200

    await until(shown)
    answer = await pages.get(page)
    assert [form.action for form in answer.forms] == ["/account/log-out"]
    csrf = answer.forms[0].fields["csrf"]
    refused = await pages.post(f"{page}/state", {"csrf": csrf, "state": "banned"})
    assert refused.status == 422
    assert "Your role may not do this." in refused.text
    assert (await admin.get(f"admin/users/{uid}")).body["state"] == "active"


async def test_a_user_is_banned_and_let_in_again(
    system: Installation, admin: Client, pages: Pages
) -> None:
    async with Client(system) as member, Pages(system) as theirs:
        await member.become_member()
        uid = (await member.get("resource/users/me")).body["uid"]
        await theirs.log_in(member.email)
        await pages.log_in(SUPERADMIN)
        page = f"/console/users/{uid}"

        async def known() -> bool:
            return (await pages.get(page)).status == 200

        await until(known)
        banned = await pages.fill_in(page, f"{page}/state", state="banned")
        assert "The user is changed." in banned.text
        assert (await theirs.get("/account")).url.path == "/account/log-in"
        refused = await theirs.log_in(member.email)
        assert "Your account is banned." in refused.text
        await pages.fill_in(page, f"{page}/state", state="active")
        assert (await theirs.log_in(member.email)).url.path == "/account"


async def test_users_are_put_in_order_by_the_form(
    system: Installation, admin: Client, pages: Pages
) -> None:
    shared, made = f"order{secrets.token_hex(4)}", []
    for name in ("b", "a", "c"):
        async with Client(system) as member:
            await member.sign_up(email=f"{shared}.{name}@example.com")
            made.append(member.email)
    await pages.log_in(SUPERADMIN)

    async def known() -> bool:
        text = (await pages.get(f"/console/users?q={shared}")).text
        return all(email in text for email in made)

    assert await until(known)
    for ordering, expected in (("asc", sorted(made)), ("desc", sorted(made)[::-1])):
        shown = await pages.get(
            "/console/users", params={"q": shared, "order_by": "email", "ordering": ordering}
        )
        assert f'<option value="{ordering}" selected>' in shown.html
        places = [shown.html.index(f"<td>{email}") for email in expected]
        assert places == sorted(places)
    refused = await pages.get("/console/users?order_by=password")
    assert refused.status == 422
    assert "Users are not put in order by this." in refused.text


async def test_permissions_are_tried_added_and_removed(pages: Pages) -> None:
    await pages.log_in(SUPERADMIN)
    tried = await pages.get(
        "/console/permissions?role=support&verb=GET&path=api/v2/barong/admin/users"
    )
    assert "Allowed." in tried.text
    refused = await pages.get(
        "/console/permissions?role=support&verb=POST&path=api/v2/barong/admin/users"
    )
    assert "Refused." in refused.text
    wrong = await pages.fill_in(
        "/console/permissions", role="nobody-has-it", verb="GET", path="api/v2/x", action="ACCEPT"
    )
    assert wrong.status == 422
    assert "There is no such role." in wrong.text
    assert wrong.form("/console/permissions").fields["path"] == "api/v2/x"


async def test_a_restriction_that_locks_its_author_out_is_refused(pages: Pages) -> None:
    await pages.log_in(SUPERADMIN)
    refused = await pages.fill_in(
        "/console/restrictions",
        category="blacklist",
        scope="ip",
        value="127.0.0.1",
        state="enabled",
    )
    assert refused.status == 422
    assert "This restriction would lock you out." in refused.text
    added = await pages.fill_in(
        "/console/restrictions",
        category="blacklist",
        scope="ip",
        value="192.0.2.77",
        state="disabled",
    )
    assert "The restriction is added." in added.text
    assert "192.0.2.77" in added.text


async def test_rules_are_shown_page_by_page(pages: Pages, admin: Client) -> None:
    await pages.log_in(SUPERADMIN)
    for path, api, size in (
        ("/console/permissions", "admin/permissions", 50),
        ("/console/restrictions", "admin/restrictions", 30),
    ):
        total = int((await admin.get(api)).headers["Total"])
        for number in range(1, total // size + 2):
            shown = await pages.get(f"{path}?page={number}")
            removals = [each for each in shown.forms if each.action == f"{path}/removal"]
            assert len(removals) == min(size, total - size * (number - 1))
            assert ('rel="next"' in shown.html) is (number * size < total)
            assert len(shown.html) < 40_000  # its files have 20 kB


async def test_a_restriction_is_tried_before_it_is_saved(pages: Pages, admin: Client) -> None:
    await pages.log_in(SUPERADMIN)
    page, trial = "/console/restrictions", "/console/restrictions/trial"
    terms = {"category": "maintenance", "scope": "ip_subnet", "value": "127.0.0.0/8"}

    async def tried(**typed: str) -> Shown:
        fields = (await pages.get(page)).form(page).fields
        return await pages.post(trial, {**fields, **terms, **typed})

    before = (await admin.get("admin/restrictions")).headers["Total"]
    locked_out = await tried(status="503")
    assert locked_out.status == 200
    assert "This would lock you out. Nothing is saved yet." in locked_out.text
    assert "is refused" in locked_out.text
    kept = locked_out.form(page).fields
    assert (kept["value"], kept["status"]) == (terms["value"], "503")
    other = await tried(value="192.0.2.0/31", caller_address="192.0.2.1", caller_country="<b>")
    assert "This would not lock you out." in other.text
    assert "192.0.2.1, <b>" in other.text
    assert "<b>" not in other.html
    for typed, told in (
        ({"value": "127.0.0.300"}, "The value is not valid."),
        ({"value": ""}, "Enter a value."),
        ({"caller_address": "nowhere"}, "This is not an IP address."),
        ({"status": "x"}, "A value is not valid."),
    ):
        refused = await tried(**typed)
        assert (refused.status, told in refused.text) == (422, True), typed
    assert (await admin.get("admin/restrictions")).headers["Total"] == before


async def test_sessions_of_a_user_are_ended(
    system: Installation, admin: Client, pages: Pages
) -> None:
    async with Client(system) as member, Pages(system) as one, Pages(system) as other:
        await member.become_member()
        uid = (await member.get("resource/users/me")).body["uid"]
        await admin.call("DELETE", "admin/users/sessions", {"uid": uid})
        for each in (one, other):
            await each.log_in(member.email)
        await pages.log_in(SUPERADMIN)
        page = f"/console/users/{uid}"

        async def known() -> bool:
            return (await pages.get(page)).status == 200

        await until(known)
        assert "From 127.0.0.1, since" in (await pages.get(page)).text
        ended = await pages.fill_in(page, f"{page}/sessions")  # the newest
        assert "The session has ended." in ended.text
        assert (await other.get("/account")).url.path == "/account/log-in"
        assert (await one.get("/account")).url.path == "/account"
        form = ended.form(f"{page}/sessions").fields
        gone = await pages.post(f"{page}/sessions", {**form, "id": "x"})
        assert (gone.status, "The user has no such session." in gone.text) == (404, True)
        ended = await pages.fill_in(page, f"{page}/sessions/all")
        assert "All sessions of the user have ended." in ended.text
        assert (await one.get("/account")).url.path == "/account/log-in"
        assert all("/sessions" not in each.action for each in ended.forms)


async def test_an_administrator_changes_an_address(
    system: Installation, admin: Client, pages: Pages
) -> None:
    async with Client(system) as member, Pages(system) as theirs:
        await member.become_member()
        uid = (await member.get("resource/users/me")).body["uid"]
        await theirs.log_in(member.email)
        await pages.log_in(SUPERADMIN)
        page, new = f"/console/users/{uid}", f"new.{member.email}"

        async def known() -> bool:
            return (await pages.get(page)).status == 200

        await until(known)
        for typed, told in (
            ("no address", "This is not an e-mail address."),
            ("", "Enter an e-mail address."),
            (SUPERADMIN, "There is an account with this e-mail address already."),
            (member.email, "The user has this address already."),
        ):
            refused = await pages.fill_in(page, f"{page}/email", email=typed)
            assert (refused.status, told in refused.text) == (422, True), typed
            assert refused.form(f"{page}/email").fields["email"] == typed
        changed = await pages.fill_in(page, f"{page}/email", email=new)
        assert "The e-mail address is changed, and all sessions have ended." in changed.text
        assert new in changed.text
        assert (await theirs.get("/account")).url.path == "/account/log-in"
        assert (await theirs.log_in(new)).url.path == "/account"


async def test_a_role_sees_the_forms_that_it_may_send(
    system: Installation, admin: Client, pages: Pages
) -> None:
    """Compliance ends sessions, and changes no addresses; accountants only see sessions."""
    async with Client(system) as member:
        await member.become_member()
        uid = (await member.get("resource/users/me")).body["uid"]
        page = f"/console/users/{uid}"
        for role, sessions in (("compliance", True), ("support", False)):
            async with Pages(system) as visitor:
                await staff(system, admin, visitor, role)

                async def known(visitor: Pages = visitor) -> bool:
                    return (await visitor.get(page)).status == 200

                await until(known)
                shown = await visitor.get(page)
                actions = {form.action for form in shown.forms}
                assert (f"{page}/sessions/all" in actions) is sessions
                assert f"{page}/email" not in actions
                assert "From 127.0.0.1, since" in shown.text


async def test_what_users_write_runs_nothing(
    system: Installation, admin: Client, pages: Pages
) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    async with Client(system) as member:
        await member.become_member()
        uid = (await member.get("resource/users/me")).body["uid"]
        await member.post(
            "resource/profiles", {"first_name": "Ada", "address": hostile, "country": "GB"}
        )
    await pages.log_in(SUPERADMIN)

    async def arrived() -> bool:
        return "onerror" in (await pages.get(f"/console/users/{uid}")).html

    await until(arrived)
    shown = await pages.get(f"/console/users/{uid}")
    assert hostile not in shown.html
    assert hostile in shown.text


async def test_what_browsers_call_themselves_runs_nothing(
    system: Installation, pages: Pages
) -> None:
    """On the pages of the user, and on those of administrators."""
    hostile = "<script>alert(1)</script>"
    async with Pages(system, **{"User-Agent": hostile}) as visitor:
        await visitor.sign_up()
        email = visitor.email
        for path in ("/account/sessions", "/account/activity"):
            shown = await visitor.get(path)
            assert hostile in shown.text, path
            assert hostile not in shown.html, path
    await pages.log_in(SUPERADMIN)

    async def known() -> str:
        found = re.search(r"/console/users/(ID\w+)", (await search()).html)
        return found[1] if found else ""

    async def search() -> Shown:
        return await pages.get("/console/users", params={"email": email})

    shown = await pages.get(f"/console/users/{await until(known)}")
    assert hostile in shown.text
    assert hostile not in shown.html


async def test_an_uploaded_file_may_run_nothing(
    system: Installation, admin: Client, pages: Pages
) -> None:
    """The link that administrators get leads to a file in a sandbox, and not to a page of ours."""
    async with Client(system) as member:
        uid = (await member.become_member()).body["uid"]
        form = aiohttp.FormData()
        for name, value in {"doc_type": "Passport", "doc_number": "AB1"}.items():
            form.add_field(name, value)
        form.add_field("doc_expire", "2099-01-01")
        content = b"\x89PNG\r\n\x1a\n<script>alert(1)</script>"
        form.add_field("upload", content, filename="a.png", content_type="image/png")
        assert (await member.post("resource/documents", form)).status == 201  # type: ignore[arg-type]
    await pages.log_in(SUPERADMIN)

    async def listed() -> str:
        shown = await pages.get(f"/console/users/{uid}")
        link = re.search(r'"(/api/v2/barong/resource/uploads/[^"]+)"', shown.html)
        return html.unescape(link[1]) if link else ""

    async with pages.http.get(await until(listed)) as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert await answer.read() == content


@pytest.mark.parametrize(
    "path",
    [
        "/console/users/..%2f..%2fidentity", "/console/users/a?b", "/console/webhooks/x/deliveries",
        "/console/dead-letters/UP", "/console/activities/others", "/console/nothing",
    ],
)  # fmt: skip
async def test_addresses_that_name_nothing(pages: Pages, path: str) -> None:
    await pages.log_in(SUPERADMIN)
    assert (await pages.get(path)).status in (400, 404)


@pytest.mark.parametrize(("kind", "whose"), [("users", "uid"), ("administrators", "target_uid")])
async def test_audits_are_found_by_day(
    system: Installation, admin: Client, pages: Pages, kind: str, whose: str
) -> None:
    async with Client(system) as member:
        uid = (await member.become_member()).body["uid"]
    label = {"uid": uid, "key": "by-day", "value": "yes", "scope": "private"}
    assert (await admin.post("admin/users/labels", label)).status == 201
    await pages.log_in(SUPERADMIN)
    now = datetime.now(UTC)
    before, after = (str((now + timedelta(days=days)).date()) for days in (-2, 2))
    page = f"/console/activities/{kind}"

    async def shown(**span: str) -> bool:
        found = await pages.get(page, params={whose: uid, **span})
        assert found.status == 200
        assert all(f'value="{day}"' in found.html for day in span.values())
        export = await pages.get(f"{page}/export", params={whose: uid, **span})
        told = "Nothing has happened yet." not in found.text
        return told or len(export.html.splitlines()) > 1

    await until(lambda: shown(**{"from": before, "to": after}))
    await until(lambda: shown(to=after))
    assert not await shown(**{"from": after})
    assert not await shown(to=before)


async def test_audits_are_exported(pages: Pages) -> None:
    await pages.log_in(SUPERADMIN)
    export = await pages.get("/console/activities/users/export?format=csv")
    assert export.status == 200
    assert export.headers["Content-Disposition"] == 'attachment; filename="users.csv"'
    assert export.html.startswith("user_ip") or "topic" in export.html.splitlines()[0]
