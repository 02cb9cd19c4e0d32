"""What is left of the OAuth provider while a service is away."""

from contextlib import AsyncExitStack

from shared.process import running
from tests.support.client import Client
from tests.support.relying_party import RelyingParty
from tests.support.system import NAMES, PASSWORD, Installation, started

SCOPES = ["openid", "resource"]


def all_but(name: str) -> list[str]:
    return [each for each in NAMES if each != name]


async def test_without_oauth_svc_its_tokens_are_503_and_sessions_go_on(
    system_of_my_own: Installation,
) -> None:
    system = system_of_my_own
    async with (
        started(system, *all_but("oauth")),
        Client(system) as admin,
        Client(system) as member,
        Client(system) as caller,
    ):
        await admin.log_in_as_superadmin()
        await member.become_member()
        await member.log_in()
        async with (
            started(system, "oauth"),
            await RelyingParty.register(admin, first_party=True, scopes=SCOPES) as app,
        ):
            code = await app.code(member.email, PASSWORD, scope=" ".join(SCOPES))
            _, tokens = await app.redeem(code)

        caller.headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        refused = await caller.get("resource/users/me")
        authorize = await caller.get("/api/v2/barong/identity/oauth/challenges/x")

        assert (refused.status, refused.errors) == (503, ["server.unavailable"])
        assert "Retry-After" in refused.headers
        assert authorize.status == 503
        assert (await member.get("resource/users/me")).status == 200


async def test_without_identity_svc_no_code_is_used_up(system_of_my_own: Installation) -> None:
    system = system_of_my_own
    async with AsyncExitStack() as stack:
        identity = await stack.enter_async_context(AsyncExitStack())
        await identity.enter_async_context(running(system.service("identity")))
        await stack.enter_async_context(started(system, *all_but("identity")))
        admin = await stack.enter_async_context(Client(system))
        member = await stack.enter_async_context(Client(system))
        await admin.log_in_as_superadmin()
        await member.become_member()
        app = await stack.enter_async_context(
            await RelyingParty.register(admin, first_party=True, scopes=SCOPES)
        )
        code = await app.code(member.email, PASSWORD)

        await identity.aclose()
        status, refused = await app.redeem(code)
        page = await app.authorize()

        assert (status, refused) == (503, {"errors": ["server.unavailable"]})
        assert (page.status, "Location" in page.headers) == (503, False)
        async with started(system, "identity"):
            assert (await app.redeem(code))[0] == 200
