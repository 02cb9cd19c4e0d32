"""The console as administrators of all roles see it, without JavaScript."""

import pytest

from tests.support.client import Client
from tests.support.pages import Pages
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


async def test_audits_are_exported(pages: Pages) -> None:
    await pages.log_in(SUPERADMIN)
    export = await pages.get("/console/activities/users/export?format=csv")
    assert export.status == 200
    assert export.headers["Content-Disposition"] == 'attachment; filename="users.csv"'
    assert export.html.startswith("user_ip") or "topic" in export.html.splitlines()[0]
