"""Changes that gateways have to apply, each prepared so that one call makes it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from tests.support.api_keys import Key, Owner
from tests.support.authenticator import second_factor_of
from tests.support.client import USER_AGENT, Client
from tests.support.system import PASSWORD
from tests.support.waiting import until

ME = "resource/users/me"


@dataclass(frozen=True, slots=True)
class Subject:
    """A member and their browser, and an administrator."""

    browser: Client
    uid: str
    admin: Client


@dataclass(frozen=True, slots=True)
class Revocation:
    """A change: how a call is answered before and after it, and what makes it."""

    headers: Callable[[], Mapping[str, str]]
    path: str
    before: int
    after: int
    make: Callable[[], Awaitable[None]]


Prepared = Callable[[Subject], Awaitable[Revocation]]


def _of_session(
    subject: Subject, make: Callable[[], Awaitable[None]], path: str = ME, *, gains: bool = False
) -> Revocation:
    headers = {"Cookie": f"_barong_session={subject.browser.cookie}", "User-Agent": USER_AGENT}
    before, after = (401, 200) if gains else (200, 401)
    return Revocation(lambda: headers, path, before, after, make)


async def log_out(subject: Subject) -> Revocation:
    """The session ends."""

    async def make() -> None:
        assert (await subject.browser.call("DELETE", "identity/sessions")).status == 204

    return _of_session(subject, make)


async def ban(subject: Subject) -> Revocation:
    """An administrator takes the user's state."""

    async def make() -> None:
        form = {"uid": subject.uid, "state": "banned"}
        assert (await subject.admin.post("admin/users/update", form)).status == 201

    return _of_session(subject, make)


async def ban_by_label(subject: Subject) -> Revocation:
    """A private label bans the user: resource-svc has the label, identity-svc makes the state."""

    async def make() -> None:
        form = {"uid": subject.uid, "key": "ban", "value": "spam", "scope": "private"}
        assert (await subject.admin.post("admin/users/labels", form)).status == 201

    return _of_session(subject, make)


async def reset_password(subject: Subject) -> Revocation:
    """Whoever was logged in with the old one is not any more."""
    browser = subject.browser
    file = browser.system.mail / f"{quote(browser.email, safe='@')}.token"
    confirmation = file.read_text()
    await browser.post("identity/users/password/generate_code", {"email": browser.email})

    async def arrived() -> str:
        token = file.read_text()
        return token if token != confirmation else ""

    password = f"{PASSWORD}-2"
    form = {"password": password, "confirm_password": password}
    form["reset_password_token"] = await until(arrived)

    async def make() -> None:
        async with Client(browser.system) as elsewhere:
            answer = await elsewhere.post("identity/users/password/confirm_code", form)
        assert answer.status == 201

    return _of_session(subject, make)


async def change_role(subject: Subject) -> Revocation:
    """The member becomes one who may see users."""

    async def make() -> None:
        form = {"uid": subject.uid, "role": "support"}
        assert (await subject.admin.post("admin/users/role", form)).status == 201

    return _of_session(subject, make, "admin/users?limit=1", gains=True)


async def delete_key(subject: Subject) -> Revocation:
    """Calls that it has signed are refused."""
    browser = subject.browser
    owner = Owner(browser, subject.uid, await second_factor_of(browser, subject.uid))
    login = {"email": browser.email, "password": PASSWORD}
    code = (await owner.form())["totp_code"]
    assert (await browser.post("identity/sessions", {**login, "otp_code": code})).status == 201
    key: Key = await owner.new_key()
    form = await owner.form()

    async def make() -> None:
        gone = await browser.call("DELETE", f"resource/api_keys/{key.kid}", params=form)
        assert gone.status == 204

    return Revocation(key.signed, ME, 200, 401, make)


REVOCATIONS: Mapping[str, Prepared] = {
    "log-out": log_out,
    "ban": ban,
    "ban by a label": ban_by_label,
    "password reset": reset_password,
    "role change": change_role,
    "deletion of a key": delete_key,
}


async def subject_of(browser: Client, admin: Client) -> Subject:
    """A new member."""
    return Subject(browser, (await browser.become_member()).body["uid"], admin)
