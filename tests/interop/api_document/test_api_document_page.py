"""The page of the API document in Chromium, through the gateway and under its own policy."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    WebError,
    expect,
)

from tests.interop.chromium import running_chromium
from tests.support.client import Client
from tests.support.system import PASSWORD, Installation
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("browser")

PAGE = "/api/v2/barong/docs"
LOG_IN = "identity/post_identity_sessions"
LOG_OUT = "identity/delete_identity_sessions"
ME = "resource/get_resource_users_me"
ADD_LABEL = "resource/post_resource_labels"
CHANGE_LABEL = "resource/patch_resource_labels_key"
SECONDS = 60
REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`violation of ${event.violatedDirective}: ${event.blockedURI}`));
"""


@dataclass
class Seen:
    """What the browser did: requests, errors of scripts, and violations of the policy."""

    requests: list[Request] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def requested(self, request: Request) -> None:
        self.requests.append(request)

    def failed(self, error: WebError) -> None:
        self.faults.append(str(error.error))

    def reported(self, message: ConsoleMessage) -> None:
        if "violation" in message.text or "Content Security Policy" in message.text:
            self.faults.append(message.text)

    def elsewhere(self, system: Installation) -> set[str]:
        """URLs of requests that went to anybody but the gateway."""
        local = (system.gateway_url + "/", "data:")
        return {each.url for each in self.requests if not each.url.startswith(local)}

    def last(self, method: str, path: str) -> Request:
        return next(
            each
            for each in reversed(self.requests)
            if each.method == method and each.url.endswith(path)
        )


@pytest.fixture
async def context() -> AsyncIterator[BrowserContext]:
    async with running_chromium() as browser:
        yield await browser.new_context()


@pytest.fixture
def seen(context: BrowserContext) -> Seen:
    made = Seen()
    context.on("request", made.requested)
    context.on("weberror", made.failed)
    context.on("console", made.reported)
    return made


async def opened(context: BrowserContext, system: Installation) -> Page:
    page = await context.new_page()
    page.set_default_timeout(SECONDS * 1000)
    await page.add_init_script(REPORT_VIOLATIONS)
    await page.goto(system.gateway_url + PAGE)
    return page


async def tried(
    page: Page, operation: str, body: object = None, **parameters: str
) -> tuple[str, str]:
    """Status and body that the page shows of a call that is made with "Try it out"."""
    block = page.locator(f"#operations-{operation.replace('/', '-')}")
    await block.scroll_into_view_if_needed()
    if not await block.locator(".opblock-body").count():
        await block.locator(".opblock-summary-control").click()
        await block.get_by_role("button", name="Try it out").click()
    clear = block.get_by_role("button", name="Clear")
    if await clear.count():
        await clear.click()
    if body is not None:
        await block.locator("textarea.body-param__text").fill(json.dumps(body))
    for name, value in parameters.items():
        await block.locator(f'tr[data-param-name="{name}"] input').fill(value)
    await block.locator("button.execute").click()
    shown = block.locator(".live-responses-table .response")
    await expect(shown).to_be_visible(timeout=SECONDS * 1000)
    status = await shown.locator(".response-col_status").inner_text()
    return status.split()[0], await _text(shown.locator(".highlight-code code").first)


async def _text(code: Locator) -> str:
    return await code.inner_text() if await code.count() else ""


async def test_a_session_of_the_browser_is_used(
    context: BrowserContext, seen: Seen, client: Client, system: Installation
) -> None:
    await client.become_member()
    page = await opened(context, system)
    assert (await tried(page, ME))[0] == "401"
    status, shown = await tried(page, LOG_IN, {"email": client.email, "password": PASSWORD})
    assert status == "201", shown
    status, shown = await tried(page, ME)
    assert (status, json.loads(shown)["email"]) == ("200", client.email)
    status, shown = await tried(page, ADD_LABEL, {"key": "color", "value": "blue"})
    assert status == "201", shown
    assert seen.last("POST", "/resource/labels").headers["x-csrf-token"]
    second = await opened(context, system)
    status, shown = await tried(second, CHANGE_LABEL, {"value": "green"}, key="color")
    assert (status, json.loads(shown)["value"]) == ("200", "green")
    assert (await tried(second, LOG_OUT))[0] == "204"
    assert (await tried(page, ME))[0] == "401"
    assert seen.elsewhere(system) == set()
    assert seen.faults == []


async def test_a_bearer_token_is_used(
    context: BrowserContext, seen: Seen, client: Client, system: Installation
) -> None:
    await client.become_member()
    bearer = (await client.log_in()).headers["Authorization"].removeprefix("Bearer ")
    page = await opened(context, system)
    await page.locator("button.authorize").first.click()
    entry = page.locator(".auth-container", has=page.locator("#auth-bearer-value"))
    await entry.locator("input").fill(bearer)
    await entry.locator("button.authorize").click()
    await page.locator(".modal-ux button.btn-done").first.click()
    status, shown = await tried(page, ME)
    assert (status, json.loads(shown)["email"]) == ("200", client.email)
    status, shown = await tried(page, ADD_LABEL, {"key": "color", "value": "blue"})
    assert status == "201", shown
    sent = seen.last("POST", "/resource/labels").headers
    assert sent["authorization"] == f"Bearer {bearer}"
    assert "x-csrf-token" not in sent
    assert seen.elsewhere(system) == set()
    assert seen.faults == []


async def test_the_policy_is_in_force(
    context: BrowserContext, seen: Seen, system: Installation
) -> None:
    page = await opened(context, system)
    await page.locator(f"#operations-{ME.replace('/', '-')}").wait_for()
    assert seen.faults == []
    await page.evaluate("fetch('http://127.0.0.1:1/').catch(() => null)")
    await page.evaluate("document.body.setAttribute('onclick', 'null')")

    async def reported() -> bool:
        return all(
            any(directive in fault for fault in seen.faults)
            for directive in ("connect-src", "script-src")
        )

    await until(reported)
