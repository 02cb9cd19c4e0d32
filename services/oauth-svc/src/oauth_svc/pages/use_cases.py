"""What the pages do: they call the same use cases as the API of challenges."""

from collections.abc import Mapping
from dataclasses import dataclass

from oauth_svc.authorizations.use_cases import Authorizations
from oauth_svc.core import Core
from oauth_svc.devices.use_cases import Devices
from oauth_svc.logout.use_cases import Logouts
from oauth_svc.pages.rendering import Renderer
from oauth_svc.protocol.authorization import answer_uri
from oauth_svc.protocol.errors import INVALID_REQUEST, DirectError
from oauth_svc.protocol.parameters import Parameters
from oauth_svc.single_sign_on.use_cases import BrowserSession, SingleSignOn
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client

CARRIED = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")
"""The parameters of a log-out, which its form repeats."""


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A log-out that a client asked for (RP-Initiated Logout 1.0, 2).

    `redirect_to` is where the browser goes afterwards; None shows our page. `subject` and `sid` are
    those of a valid `id_token_hint`.
    """

    redirect_to: str | None
    subject: str | None
    sid: str | None

    def is_about(self, session: BrowserSession) -> bool:
        """Whether the client proved that it means this session, so that no question is needed."""
        return self.subject == session.login.uid and self.sid in (None, session.login.sid)


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of this installation."""

    issuer: str
    device_login_url: str
    """The log-in page for users of devices, if it is not our own; blank for ours."""
    renderer: Renderer
    authorizations: Authorizations
    devices: Devices
    logouts: Logouts
    single_sign_on: SingleSignOn
    identity: IdentityClient

    async def log_in(
        self, email: str, password: str, otp_code: str, client: Client
    ) -> tuple[str | None, list[str]]:
        """The cookie of a new session, or the codes of the refusal; raises `Throttled`."""
        return await self.identity.log_in(email, password, otp_code, client)

    async def end_replaced(
        self, before: BrowserSession | None, cookie: str, client: Client
    ) -> None:
        """Ends the session that the new cookie replaces, even if it is another user's.

        Nobody could log out of it any more. It ends as a log-out would end it: applications that
        got tokens in it get a log-out, and only those with offline access keep them.
        """
        if before is None:
            return
        after = await self.single_sign_on.find([cookie], client)
        if after is None or after.login.sid != before.login.sid:
            await self.single_sign_on.end(before)

    async def read_logout(self, parameters: Parameters) -> LogoutRequest:
        """What a client asks for; raises `DirectError`: the browser is redirected nowhere then."""
        if parameters.repeated():
            raise DirectError(INVALID_REQUEST, "A parameter is repeated.")
        client_id, hint = parameters.get("client_id"), parameters.get("id_token_hint")
        claims: Mapping[str, str] = {}
        if hint is not None:
            found = await self.authorizations.hinted(hint, client_id)
            if found is None:
                raise DirectError(INVALID_REQUEST, "id_token_hint is no ID token of ours.")
            claims, client_id = found, client_id or found["aud"]
        uri = parameters.get("post_logout_redirect_uri")
        if uri is None:
            return LogoutRequest(None, claims.get("sub"), claims.get("sid"))
        client = await self.logouts.client_of(client_id) if client_id is not None else None
        if client is None or uri not in client.post_logout_redirect_uris:
            raise DirectError(
                INVALID_REQUEST, "post_logout_redirect_uri is not one of the client's."
            )
        target = answer_uri(uri, {"state": parameters.get("state")})
        if parameters.get("state") is None:
            target = uri
        return LogoutRequest(target, claims.get("sub"), claims.get("sid"))


def build(
    core: Core,
    authorizations: Authorizations,
    devices: Devices,
    logouts: Logouts,
    single_sign_on: SingleSignOn,
) -> Pages:
    """Wires the feature."""
    return Pages(
        issuer=core.settings.issuer,
        device_login_url=core.settings.login_page,
        renderer=Renderer(core.settings.pages_folder),
        authorizations=authorizations,
        devices=devices,
        logouts=logouts,
        single_sign_on=single_sign_on,
        identity=core.identity,
    )
