"""The operation on accounts."""

from aiohttp import web

from resource_svc.accounts.models import LastSuperadmin, MissingCode, WrongCode, WrongPassword
from resource_svc.accounts.schemas import DeleteAccountForm
from resource_svc.accounts.use_cases import Accounts
from shared.contracts.refusals import UsedCode
from shared.web.answers import nothing
from shared.web.client import client_of
from shared.web.operations import operation
from shared.web.principal import PRINCIPAL

ACCOUNTS = web.AppKey("accounts", Accounts)


@operation(
    status=204,
    refuses=(LastSuperadmin, MissingCode, WrongCode, WrongPassword, UsedCode),
    statuses=(400, 403, 404),
)
async def delete(request: web.Request, form: DeleteAccountForm) -> web.Response:
    """Delete one's account.

    The e-mail address stays taken until the account is erased (BARONG_ERASURE_AFTER_DAYS). Phone
    numbers are free at once.
    """
    await request.app[ACCOUNTS].delete(
        request[PRINCIPAL].uid, form.password, form.otp_code, client_of(request)
    )
    return nothing()
