"""A real browser before the whole service: sample newsroom, pages, worker and mailbox, as `memo demo` starts them."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from service.demo import newsroom, running
from service.demo.running import Demo

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One browser for all of them: to start one takes as long as a short test. Contexts keep them apart."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.skip("No Chromium: set CHROMIUM to its path.")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def demo(tmp_path: Path) -> AsyncIterator[Demo]:
    sockets = newsroom.listening_sockets()
    port = sockets[0].getsockname()[1]
    with ThreadPoolExecutor(1) as pool:
        chosen = await asyncio.get_running_loop().run_in_executor(
            pool, lambda: running.fresh_settings(tmp_path / "demo", port, port=0)
        )
    async with running.up(chosen, sockets) as up:
        yield up
