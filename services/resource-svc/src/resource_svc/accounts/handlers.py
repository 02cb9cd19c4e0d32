"""The operation on accounts."""

from aiohttp import web

from resource_svc.accounts.schemas import DeleteAccountForm
from resource_svc.accounts.use_cases import Accounts
from shared.web.answers import nothing
from shared.web.client import client_of
from shared.web.principal import PRINCIPAL

ACCOUNTS = web.AppKey("accounts", Accounts)


async def delete(request: web.Request, form: DeleteAccountForm) -> web.Response:
    """DELETE /users/me: ends the account, and all its sessions and API keys."""
    await request.app[ACCOUNTS].delete(
        request[PRINCIPAL].uid, form.password, form.otp_code, client_of(request)
    )
    return nothing()
