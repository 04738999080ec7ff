import asyncio
import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from service.demo import sample, tour
from service.demo.running import Demo

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
# A colour half way to another is no colour that anybody reads. What runs for ever (a spinner) is not waited for.
SETTLED = """() => Promise.allSettled(
  document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime !== Infinity).map((one) => one.finished)
)"""
WIDTHS = [390, 1280]
PATIENCE_SECONDS = 60  # for what the worker does beside a browser on the same machine


async def violations(page: Page) -> list[str]:
    await page.evaluate(AXE)
    await page.evaluate(SETTLED)
    found: dict[str, Any] = await page.evaluate("async () => await axe.run(document)")
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found["violations"]]


async def press_until_focused(page: Page, selector: str) -> None:
    """With the Tab key alone, as somebody without a mouse."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("(wanted) => document.activeElement?.matches(wanted) ?? false", selector):
            return
    raise AssertionError(f"Tab never reaches {selector}")


async def link_in_message(demo: Demo, number: int, form: str) -> str:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            caught = await demo.served.resources.database.read(tour._caught, "nora@example.org")
            if len(caught) >= number:
                break
            await asyncio.sleep(0.1)
    message = message_from_bytes(caught[number - 1], policy=default)
    part = message.get_body(("plain",))
    assert part is not None
    found = re.search(form, part.get_content())
    assert found is not None
    return found.group()


@pytest.mark.parametrize("width", WIDTHS)
async def test_nb_71_a_reader_joins_and_leaves_by_keyboard_alone(
    browser: Browser, demo: Demo, width: int
) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 844}, bypass_csp=True)
    page = await context.new_page()
    await page.goto(f"{demo.sample.newsroom_url}/articles/ferry-bond-recount.html")
    await press_until_focused(page, "input[name=email]")
    await page.keyboard.type("nora@example.org")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert page.url == f"{demo.base_url}/n/{sample.SLUG}"
    assert await violations(page) == []

    await page.goto(await link_in_message(demo, 1, r"http://\S+/confirm/\S+"))
    assert await violations(page) == []
    await press_until_focused(page, "main button, main input[type=submit]")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert await violations(page) == []

    edition = await tour._new_edition(demo, {"automatic": True})
    await tour._post(demo, f"/editions/{edition}/send", {}, "sent")
    await page.goto(await link_in_message(demo, 2, r"http://\S+/preferences/\S+"))
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await press_until_focused(page, "#first_name")
    await page.keyboard.type("Nora")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert "Your changes are saved" in await page.inner_text("[role=status]")
    assert await page.input_value("#first_name") == "Nora"
    assert await violations(page) == []

    await page.goto(await link_in_message(demo, 2, r"http://\S+/unsubscribe/\S+"))
    assert await violations(page) == []
    await press_until_focused(page, "main button, main input[type=submit]")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert await violations(page) == []
    await context.close()


@pytest.mark.parametrize("width", WIDTHS)
async def test_pages_have_no_barriers(browser: Browser, demo: Demo, width: int) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 844}, bypass_csp=True)
    page = await context.new_page()
    await page.goto(f"{demo.base_url}/n/{sample.SLUG}")
    assert await violations(page) == []
    edition = await tour._new_edition(demo, {"automatic": True})
    await page.goto(f"{demo.base_url}/desk")
    await page.fill("input[type=email], input[name=address]", sample.ACCOUNT)
    await page.fill("input[type=password]", sample.PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{demo.base_url}/desk")
    assert await violations(page) == []
    for path in ("workers", f"newsletters/{sample.SLUG}"):
        await page.goto(f"{demo.base_url}/desk/{path}")
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.goto(f"{demo.base_url}/desk/editions/{edition}")
    assert await violations(page) == []
    await page.goto(f"{demo.base_url}/desk/editions/{edition}/blocks/new?kind=picture")
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.goto(f"{demo.base_url}/desk/editions/{edition}/preview?reader={sample.READERS[0]}&scheme=dark")
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.click("text=Make a link")
    assert await violations(page) == []
    await page.goto(await page.input_value("#share-1"))
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await tour._post(demo, f"/editions/{edition}/send", {}, "sent")
    await link_count(demo, sample.READERS[0])
    await page.goto(f"{demo.base_url}/desk/editions/{edition}")
    await page.wait_for_selector(".page-head .state-sent")  # the page comes again by itself at the end
    assert await violations(page) == []
    api = await page.goto(f"{demo.base_url}/n/{sample.SLUG}/archive")
    assert api is not None
    assert api.status == 200
    async with page.expect_navigation():
        await page.click("main a[href*='/n/morning-memo/20']")
    assert await violations(page) == []
    await context.close()


async def link_count(demo: Demo, address: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await demo.served.resources.database.read(tour._caught, address):
            await asyncio.sleep(0.1)
