"""The doctor in a real browser: a look at everything and at one domain, on a narrow and a wide screen."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from service.demo.running import Demo
from tests.e2e.test_relays import look, sign_in
from tests.support.name_server import NameServer


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def dns(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NameServer]:
    """There before the service is, which asks it."""
    async with NameServer() as server:
        monkeypatch.setenv("MEMO_RESOLVER", server.address)
        yield server


async def opened(browser: Browser, demo: Demo, width: int, scheme: str) -> Page:
    context = await browser.new_context(
        viewport={"width": width, "height": 844},
        bypass_csp=True,
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = await context.new_page()
    await sign_in(page, demo)
    await page.click("header nav a[href$='/doctor']")
    return page


async def test_a_look_at_everything_and_at_one_domain(browser: Browser, demo: Demo, dns: NameServer) -> None:
    dns.txt("example.org", "v=spf1 include:_spf.example.net +all")
    dns.txt("_dmarc.example.org", "v=DMARC1; p=none; pct=50")
    page = await opened(browser, demo, 390, "light")
    assert "Nobody has looked yet" in await page.inner_text("main")
    await look(page, "doctor-none-390-light")
    async with page.expect_navigation():
        await page.click("text=Look now")
    assert "Looked at everything" in await page.inner_text("[role=status]")
    await look(page, "doctor-everything-390-light")

    page = await opened(browser, demo, 1280, "dark")
    assert "Nobody has looked yet" not in await page.inner_text("main")
    await look(page, "doctor-everything-1280-dark")
    await page.fill("input[name=domain]", "example.org")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert "ends in +all" in await page.inner_text("main")
    copying = page.locator(".finding button[data-copy]").nth(1)
    await copying.click()
    await copying.filter(has_text=re.compile(r"^\s*Copied")).wait_for()  # once the clipboard has it, for 2 s
    await look(page, "doctor-domain-1280-dark")
