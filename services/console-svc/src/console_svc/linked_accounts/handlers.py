"""Accounts of a member at other OpenID providers, by which they log in."""

from uuid import UUID

from aiohttp import web

from console_svc.pages.leaving import leave
from console_svc.pages.visit import Visit
from shared.errors import NotFound

_PAGE = "/account/linked-accounts"
_ACCOUNTS = "resource/linked_accounts"


async def show(visit: Visit) -> web.StreamResponse:
    """One's linked accounts, the oldest first, and the providers by which one can link more."""
    accounts = (await visit.get(_ACCOUNTS)).body
    configs = (await visit.get("identity/configs")).body
    return visit.page(
        "linked_accounts/linked_accounts.html",
        accounts=accounts,
        providers=configs.get("log_in_providers", []),
    )


async def begin(visit: Visit) -> web.StreamResponse:
    """Goes to the provider whose button was pressed."""
    asked = await visit.send("POST", f"{_ACCOUNTS}/request", "provider")
    return leave(visit, asked.body["url"])


async def remove(visit: Visit) -> web.StreamResponse:
    """Ends a link."""
    try:
        account = UUID(visit.text("id"))
    except ValueError:
        raise NotFound from None
    await visit.call("DELETE", f"{_ACCOUNTS}/{account}", {})
    return visit.go(_PAGE, "account_unlinked")
