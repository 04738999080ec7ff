"""Relays at the desk in a real browser: a relay that refuses us is mended and used, by keyboard, on a narrow and a wide screen."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from service.demo import sample
from service.demo.running import Demo
from tests.e2e.test_tour import press_until_focused, violations
from tests.support import certificates
from tests.support.relay import Relay
from tests.support.relay_session import Offer

PICTURES = os.environ.get("PICTURES")  # a folder for pictures of each page, for whoever wants to look


async def look(page: Page, name: str) -> None:
    assert await violations(page) == []
    wide: int = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{name} is wider than the screen by {wide} px"
    if PICTURES:
        await page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


async def sign_in(page: Page, demo: Demo) -> None:
    await page.goto(f"{demo.base_url}/desk/sign-in")
    await page.fill("input[name=address]", sample.ACCOUNT)
    await page.fill("input[type=password]", sample.PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{demo.base_url}/desk")


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
async def test_a_relay_that_refuses_us_is_mended_and_used(
    browser: Browser, demo: Demo, tmp_path: Path, width: int, scheme: str
) -> None:
    held = certificates.make(tmp_path)
    offer = Offer(starttls=held.for_server(), login=("memo", "right"))
    context = await browser.new_context(
        viewport={"width": width, "height": 844},
        bypass_csp=True,
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page, name = await context.new_page(), f"{width}-{scheme}"
    async with Relay(offer=offer) as strict, Relay() as relay:
        await sign_in(page, demo)
        await page.click("header nav a[href$='/relays']")
        await look(page, f"relays-none-{name}")

        await press_until_focused(page, "input[name=name]")
        await page.keyboard.type("Amazon SES")
        await page.fill("input[name=host]", strict.host)
        await page.fill("input[name=port]", str(strict.port))
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.name") == "name"  # where it is wrong
        await look(page, f"relays-wrong-{name}")
        await page.fill("input[name=name]", "amazon-ses")
        async with page.expect_navigation():
            await page.keyboard.press("Enter")

        async with page.expect_navigation():
            await page.click("#trial button")
        assert "It ended at “Encryption”" in await page.inner_text("#trial [role=alert]")
        assert "MEMO_RELAY_CA_FILE" in await page.inner_text("#trial li.trial-failed")
        await look(page, f"relay-failed-{name}")

        await page.select_option("select[name=tls]", "none")
        await page.fill("input[name=port]", str(relay.port))
        async with page.expect_navigation():
            await page.click("text=Save")
        await page.fill("input[name=to]", "ops@example.org")
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        assert "It took the message" in await page.inner_text("#trial [role=status]")
        assert relay.received[0].recipient == "ops@example.org"
        await look(page, f"relay-works-{name}")

        async with page.expect_navigation():
            await page.click("text=Make it the main relay")
        await look(page, f"relays-main-{name}")
        await hear(page, name)
    await context.close()


async def hear(page: Page, name: str) -> None:
    """From the relays to an address for its events, shown once; from there on to signing."""
    await page.click("main a[href='/desk/relays/amazon-ses']")
    await page.fill("input[name=provider]", "gmail.com")
    await page.fill("input[name=provider_rate]", "20")
    await page.fill("input[name=why]", "our new address is warming up until the end of the month")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert "Google: at most 20 a second" in await page.inner_text("#providers")
    await look(page, f"relay-limited-{name}")
    await page.click("text=Events")
    await look(page, f"hook-none-{name}")
    await page.select_option("select[name=format]", "sendgrid")
    async with page.expect_navigation():
        await page.click("main button")
    assert "/hooks/amazon-ses/" in await page.input_value("#address")
    await look(page, f"hook-made-{name}")
    await page.fill("input[name=key]", "no key")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.name") == "key"
    await look(page, f"hook-wrong-{name}")
    await page.click("header nav a[href$='/relays']")
    await sign(page, name)


async def sign(page: Page, name: str) -> None:
    """From the relays to a key that signs."""
    await page.click("main a[href='/desk/dkim']")
    await look(page, f"signing-none-{name}")
    async with page.expect_navigation():
        await page.click(".next-key button")
    await page.click("[data-copy^=text] >> nth=0")
    await page.wait_for_selector("text=Copied")
    await look(page, f"signing-ready-{name}")
    await page.click("text=The DNS answers with this record")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert "are signed with" in await page.inner_text("[role=status]")
    await look(page, f"signing-{name}")


async def test_without_script_it_works_the_same(browser: Browser, demo: Demo) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    async with Relay() as relay:
        await sign_in(page, demo)
        await page.goto(f"{demo.base_url}/desk/relays")
        await page.fill("input[name=name]", "near")
        await page.fill("input[name=host]", relay.host)
        await page.fill("input[name=port]", str(relay.port))
        await page.select_option("select[name=tls]", "none")
        await page.click("text=Add it, switched off")
        await page.fill("input[name=to]", "ops@example.org")
        await page.click("#trial button")
        assert "It took the message" in await page.inner_text("#trial [role=status]")
        await page.click("text=Make it the fallback")
        assert "stands in now" in await page.inner_text("[role=status]")
    await context.close()
