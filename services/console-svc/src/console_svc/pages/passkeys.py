"""What the browser's part with a passkey gave to a form (static/passkeys.js)."""

from console_svc.pages.api import ApiRefusal
from console_svc.pages.visit import Visit

_FIELD = "credential"


async def credential(visit: Visit, options: str) -> str:
    """The credential in the form; raises `ApiRefusal` if the browser gave none.

    The script leaves it out, too, if the operation `options` refused it. That is called again here:
    what it refuses is then dealt with as in any other form.
    """
    given = visit.text(_FIELD)
    if not given:
        await visit.call("POST", options, {})
        raise ApiRefusal(422, ["console.no_passkey"])
    return given
