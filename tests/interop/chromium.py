"""Chromium, as Debian builds it, driven by Playwright."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright, expect

from deploy.local.processes import StartError
from tests.support import programs

START_SECONDS = 60
# A machine that does other things, too, needs longer than the five seconds of Playwright.
PATIENCE = 30_000
expect.set_options(timeout=PATIENCE)


@asynccontextmanager
async def running_chromium() -> AsyncIterator[Browser]:
    """A browser for the time of the block; skips the test where there is none."""
    try:
        program = await asyncio.to_thread(programs.chromium)
    except StartError as error:
        pytest.skip(str(error))
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(
            executable_path=program.file,
            args=["--no-sandbox", "--disable-gpu"],
            env=dict(program.env),
            timeout=START_SECONDS * 1000,
        )
        try:
            yield made
        finally:
            await made.close()
