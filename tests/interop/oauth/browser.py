"""A browser whose user answers Barong's pages wherever a link leads through them."""

from typing import Any
from urllib.parse import urljoin

from tests.support.client import Client
from tests.support.pages import Pages, Shown
from tests.support.system import PASSWORD

_PAGES = ("/account/log-in", "/oauth/consent", "/oauth/logout")


class Browser(Pages):
    """The browser of a member, with cookies of its own."""

    def __init__(self, member: Client, password: str = PASSWORD) -> None:
        super().__init__(member.system)
        self.email = member.email
        self.password = password

    async def open(self, url: str, **options: Any) -> Shown:
        """Where a link leads in the end: the user logs in, consents and logs out on the way."""
        shown = await self.get(url, **options)
        while self.is_asked(shown):
            form = shown.form(shown.url.path)
            known = {"email": self.email, "password": self.password}
            typed = {name: value for name, value in known.items() if name in form.fields}
            shown = await self.post(
                urljoin(str(shown.url), form.action),
                {**form.fields, **typed, "action": "accept"},
                headers={"Origin": self.system.gateway_url},
            )
        return shown

    def is_asked(self, shown: Shown) -> bool:
        """Whether this is a page of Barong's that has a form for its user."""
        at_barong = str(shown.url).startswith(f"{self.system.gateway_url}/")
        return at_barong and shown.url.path in _PAGES and bool(shown.forms)
