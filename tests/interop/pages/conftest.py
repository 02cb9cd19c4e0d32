"""A Chromium for all tests of a module, and axe, which judges whether everybody can use a page."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
)

from tests.interop.chromium import running_chromium
from tests.interop.programs import files_in, installed_by_npm
from tests.support.system import Installation

HERE = Path(__file__).parent
REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`violation of ${event.violatedDirective}: ${event.blockedURI}`));
"""
FAILED_LOAD = "Failed to load resource"
"""How Chromium begins what it says of an answer of 400 or more, and of a failed request."""
FIND_VIOLATIONS = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"], elementRef: false });
  return found.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
}"""
"""Few words: the whole of what axe finds takes longer on its way than to find."""
FIND_CRAMPED = r"""() => {
  const faults = [];
  const seen = [...document.querySelectorAll("main :is(input, select, textarea, button, a.button)")]
    .filter((each) => each.checkVisibility())
    .map((each) => ({ each, box: each.getBoundingClientRect() }));
  for (const { each, box } of seen)
    for (const { each: other, box: below } of seen)
      if (below.top >= box.top + box.height / 2 && below.top - box.bottom < 4
          && below.left < box.right && below.right > box.left)
        faults.push(`${each.name || each.textContent} touches ${other.name || other.textContent}`);
  for (const cell of document.querySelectorAll("th, td:not(.long)")) {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text; text = walker.nextNode())
      for (const word of text.data.matchAll(/\w+/g)) {
        const range = document.createRange();
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        if (new Set([...range.getClientRects()].map((line) => line.top)).size > 1)
          faults.push(`a broken word: ${word[0]}`);
      }
  }
  return faults;
}"""
"""Fields and buttons that touch each other, and words of tables that go on in the next line."""
PHONE = ViewportSize(width=360, height=740)
DESKTOP = ViewportSize(width=1280, height=800)


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, as Debian builds it."""
    async with running_chromium() as made:
        yield made


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, from its npm package."""
    made = installed_by_npm("axe", files_in(HERE, "package.json", "package-lock.json"))
    if isinstance(made, str):
        pytest.skip(made)
    return (made / "node_modules" / "axe-core" / "axe.min.js").read_text()


@dataclass
class Visitor:
    """A browser window, and what went wrong in it."""

    page: Page
    axe: str
    faults: list[str] = field(default_factory=list)
    _documents: set[str] = field(default_factory=set)

    def requested(self, request: Request) -> None:
        """Remembers addresses of pages, those that scripts ask for among them."""
        if request.is_navigation_request() or request.resource_type == "xhr":
            self._documents.add(request.url)

    def reported(self, message: ConsoleMessage) -> None:
        """Every error is a fault, but for a page that is refused.

        A form that is refused is shown again with a 4xx, which Chromium calls an error.
        """
        address = message.location["url"]
        if message.type == "error" and not (
            message.text.startswith(FAILED_LOAD) and address in self._documents
        ):
            self.faults.append(f"{message.text} {address}")

    async def settle(self) -> None:
        """Returns when the page at hand has loaded: its styles, its scripts, its pictures.

        Playwright shows a page as soon as its text has arrived: no key is heard yet, and styles
        may be missing. First expect something that only this page has.
        """
        await self.page.wait_for_load_state("load")

    async def submit(self, button: str, **typed: str) -> None:
        """Fills in fields by their names, and presses a button by what stands on it."""
        for name, value in typed.items():
            await self.page.locator(f"[name={name}]:visible").first.fill(value)
        await self.page.get_by_role("button", name=button, exact=True).first.click()

    async def judge(self) -> list[str]:
        """What axe finds on the page, what is cramped, and whether it is wider than the window."""
        await self.settle()
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(self.axe)
            # Pages that follow have it already: its way there takes longer than its work.
            await self.page.add_init_script(self.axe)
        faults: list[str] = await self.page.evaluate(FIND_VIOLATIONS)
        if await self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        ):
            faults.append("wider than the window")
        cramped: list[str] = await self.page.evaluate(FIND_CRAMPED)
        return faults + cramped

    async def judge_at_both_widths(self) -> list[str]:
        """What `judge` finds at the width of a phone and at that of a desktop."""
        faults = []
        for size in (PHONE, DESKTOP):
            await self.page.set_viewport_size(size)
            faults += [f"{size['width']}: {fault}" for fault in await self.judge()]
        return faults


@dataclass(frozen=True)
class Windows:
    """Opens windows, each with cookies of its own."""

    browser: Browser
    axe: str
    system: Installation

    async def open(self, language: str = "en", **options: Any) -> tuple[BrowserContext, Visitor]:
        context = await self.browser.new_context(
            base_url=options.pop("base_url", self.system.gateway_url),
            locale=language,
            viewport=options.pop("viewport", DESKTOP),
            **options,
        )
        page = await context.new_page()
        visitor = Visitor(page, self.axe)
        context.on("request", visitor.requested)
        context.on("console", visitor.reported)
        context.on("weberror", lambda error: visitor.faults.append(str(error.error)))
        await page.add_init_script(REPORT_VIOLATIONS)
        return context, visitor


@pytest.fixture
def windows(browser: Browser, axe: str, system: Installation) -> Windows:
    """Windows of this browser."""
    return Windows(browser, axe, system)
