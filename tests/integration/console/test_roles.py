"""Each role of the staff walks through the console: nothing that it is shown is refused."""

import re
import secrets
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urljoin

import pytest

from tests.support.client import Client
from tests.support.pages import Form, Pages, Shown
from tests.support.staff import promote
from tests.support.system import SUPERADMIN, Installation
from tests.support.waiting import until

MENU = {
    "superadmin": {
        *("/console", "/console/users", "/console/reviews", "/console/permissions"),
        *("/console/restrictions", "/console/activities/users", "/console/webhooks"),
        *("/console/activities/administrators", "/console/dead-letters", "/console/signing-keys"),
    },
    "admin": {
        *("/console", "/console/users", "/console/reviews", "/console/restrictions"),
        *("/console/activities/users", "/console/webhooks", "/console/signing-keys"),
    },
    "accountant": {
        *("/console", "/console/users", "/console/reviews", "/console/restrictions"),
        *("/console/activities/users", "/console/webhooks", "/console/signing-keys"),
    },
    "technical": {
        *("/console", "/console/users", "/console/reviews", "/console/restrictions"),
        *("/console/activities/users", "/console/webhooks", "/console/signing-keys"),
    },
    "compliance": {
        *("/console", "/console/users", "/console/reviews", "/console/activities/users"),
        "/console/signing-keys",
    },
    "support": {
        *("/console", "/console/users", "/console/reviews", "/console/activities/users"),
        "/console/signing-keys",
    },
}
"""The menu of each role, by the shipped permissions."""

OF_MEMBERS = {
    "superadmin": {"state", "role", "email", "sessions", "sessions/all", "labels"},
    "admin": {"state", "email", "sessions", "sessions/all", "labels"},
    "accountant": {"state"},
    "technical": set(),
    "compliance": {"state", "sessions", "sessions/all", "labels"},
    "support": set(),
}
"""The forms on a member's page. Labels that a member has can be removed by those who write them."""

REFUSALS = (
    "Your role may not do this.",
    "Only superadmins may change or make superadmins.",
    "You may not change somebody of your own rank or a higher one.",
    "You may not change yourself here.",
)
NOBODY_S = {"id": "999999999999", "delivery": "00000000-0000-4000-8000-000000000000"}
"""Fields by which forms name records: what other tests have made stays as it is."""


class Walked(NamedTuple):
    """The member whose page is visited, the superadmin's uid, and the one of the visitor."""

    member: str
    superadmin: str
    own: str


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in ("href", "formaction") if tag in ("a", "button") else ():
            if (target := given.get(name)) is not None:
                self.found.add(target)


def links(page: Shown) -> set[str]:
    """The addresses below /console to which links and buttons of a page lead."""
    reader = _Links()
    reader.feed(page.html)
    absolute = {urljoin(page.url.path, link).partition("#")[0] for link in reader.found}
    return {link for link in absolute if re.match(r"/console(?:[/?]|$)", link)}


def kind(address: str) -> str:
    """The address without what differs from one record to the next."""
    path = address.partition("?")[0]
    return re.sub(r"(/(?:users|webhooks|dead-letters|reviews))/[^/]+", r"\1/*", path)


def harmless(form: Form, walked: Walked) -> tuple[str, dict[str, str]]:
    """Where the form goes, and what is sent, so that the call is decided about but changes nobody
    else's records."""
    action = form.action
    for place, instead in (
        ("webhooks", NOBODY_S["id"]), ("dead-letters", "no-such-queue"), ("reviews", walked.member)
    ):  # fmt: skip
        action = re.sub(rf"(/{place}/)[^/]+", rf"\g<1>{instead}", action)
    fields = {**form.fields, **{name: NOBODY_S[name] for name in NOBODY_S if name in form.fields}}
    if action.endswith("/email"):
        fields["email"] = f"{secrets.token_hex(8)}@example.com"
    if action.endswith("/labels"):
        fields |= {"key": "walked", "value": "once"}
    if action.endswith(("/state", "/role")) and "/users/" in action:
        fields |= {"state": "active", "role": "member"}
    return action, fields


def told_to_go(page: Shown) -> list[str]:
    """The refusals of a role or a rank that a page tells."""
    return [sentence for sentence in REFUSALS if sentence in page.text]


async def as_one_of(
    system: Installation, admin: Client, pages: Pages, role: str
) -> Walked:  # fmt: skip
    """Logs the visitor in as somebody of the role, beside a member who has a label."""
    superadmin = (await admin.get("resource/users/me")).body["uid"]
    async with Client(system) as member, Client(system) as person:
        uid = (await member.become_member()).body["uid"]
        label = {"uid": uid, "key": "walked", "value": "before"}
        assert (await admin.post("admin/users/labels", label)).status == 201
        if role == "superadmin":
            await pages.log_in(SUPERADMIN)
            own = superadmin
        else:
            own = await promote(admin, person, role)
            await pages.log_in(person.email)

    async def arrived() -> bool:
        shown = [await pages.get(f"/console/users/{each}") for each in (uid, superadmin, own)]
        return all(page.status == 200 for page in shown) and "walked" in shown[0].text

    assert await until(arrived)
    return Walked(uid, superadmin, own)


@pytest.mark.parametrize("role", MENU)
async def test_nothing_that_a_role_is_shown_is_refused(
    system: Installation, admin: Client, pages: Pages, role: str
) -> None:
    walked = await as_one_of(system, admin, pages, role)
    menu = {path for path in links(await pages.get("/console")) if path in MENU["superadmin"]}
    assert menu == MENU[role]

    waiting = [f"/console/users/{uid}" for uid in walked] + ["/console"]
    visited: set[str] = set()
    sent: set[str] = set()
    while waiting:
        address = waiting.pop()
        page = await pages.get(address)
        assert (page.status, told_to_go(page)) == (200, []), address
        for link in links(page):
            if kind(link) not in visited:  # a list has many links of one kind
                visited.add(kind(link))
                waiting.append(link)
        for form in page.forms:
            action = form.action or page.url.path
            about_others = f"/users/{walked.member}" not in action
            if form.method != "post" or action == "/account/log-out":
                continue
            if "/users/" in action and about_others:  # other tests' people
                assert walked.superadmin not in action
                assert walked.own not in action
                continue
            if kind(action) in sent:
                continue
            sent.add(kind(action))
            target, fields = harmless(form, walked)
            answer = await pages.post(target, fields)
            assert (answer.status in (401, 403), told_to_go(answer)) == (False, []), target
    assert visited >= MENU[role]


@pytest.mark.parametrize("role", OF_MEMBERS)
async def test_whom_a_role_does_not_outrank_has_no_forms(
    system: Installation, admin: Client, pages: Pages, role: str
) -> None:
    walked = await as_one_of(system, admin, pages, role)

    async def forms_of(uid: str) -> set[str]:
        place = f"/console/users/{uid}/"
        shown = (await pages.get(place.rstrip("/"))).forms
        return {form.action.removeprefix(place) for form in shown if place in form.action}

    expected = OF_MEMBERS[role]
    if "labels" in expected:
        expected = expected | {"labels/removal"}
    assert await forms_of(walked.member) == expected
    assert await forms_of(walked.superadmin) == set()
    assert await forms_of(walked.own) == set()


@pytest.mark.parametrize("role", ["member", "trader", "broker", "manager", "partner"])
async def test_other_roles_are_not_offered_the_console(
    system: Installation, admin: Client, pages: Pages, role: str
) -> None:
    async with Client(system) as person:
        uid = (await person.become_member()).body["uid"]
        if role != "member":
            given = await admin.post("admin/users/role", {"uid": uid, "role": role})
            assert given.status == 201
        await pages.log_in(person.email)
    assert links(await pages.get("/account")) == set()
    assert (await pages.get("/console")).status == 403


async def test_staff_is_offered_the_console(
    system: Installation, admin: Client, pages: Pages
) -> None:
    await as_one_of(system, admin, pages, "support")
    assert links(await pages.get("/account")) == {"/console"}
