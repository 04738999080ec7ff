"""A list of readers is brought in at the desk, by keyboard, on a narrow and a wide screen, with and without script."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from service.demo import sample
from service.demo.running import Demo
from tests.e2e.test_relays import look, sign_in
from tests.e2e.test_tour import PATIENCE_SECONDS, press_until_focused

CONSENT = "Signed up on our old site, each confirmed by mail, since May 2019."
LINES = [
    f"reader{number}@example.org;N{number};Port Linden;2019-05-0{number % 9 + 1}" for number in range(40)
]
LIST = "\r\n".join(
    ["E-Mail;Vorname;Ort;Seit", *LINES[:5], "nobody at all;x", "READER1@example.org;Twice", *LINES[5:]]
)


def saved(folder: Path) -> Path:
    path = folder / "Leserinnen und Leser der Morgenpost, Stand März 2026.csv"
    path.write_bytes(LIST.replace("N1;", "Zoë;").encode("windows-1252"))
    return path


@asynccontextmanager
async def not_carried_on(demo: Demo) -> AsyncIterator[None]:
    """The worker takes no list up meanwhile: once one is done, the page that says so has no room for its having begun."""
    worker = demo.served.worker
    assert worker is not None
    while worker._is_importing:
        await asyncio.sleep(0.01)
    worker._is_importing = True
    try:
        yield
    finally:
        worker._is_importing = False


async def chosen(page: Page, demo: Demo, file: Path) -> None:
    """Its preview is open."""
    await page.goto(f"{demo.base_url}/desk/newsletters/{sample.SLUG}")
    await page.click("text=Bring readers in")
    await page.set_input_files("input[type=file]", file)
    await page.click("text=Look at it")
    await page.wait_for_selector("text=What is in it")


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")]
)
async def test_a_list_is_looked_at_read_otherwise_and_brought_in(
    browser: Browser, demo: Demo, tmp_path: Path, width: int, scheme: str
) -> None:
    context = await browser.new_context(
        viewport={"width": width, "height": 844},
        bypass_csp=True,
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page, name = await context.new_page(), f"{width}-{scheme}"
    await sign_in(page, demo)
    await page.goto(f"{demo.base_url}/desk/newsletters/{sample.SLUG}/import")
    await look(page, f"import-choose-{name}")
    await chosen(page, demo, saved(tmp_path))
    assert "Zoë" in await page.inner_text("table")
    assert await page.input_value("select[name=encoding]") == "windows-1252"
    await look(page, f"import-preview-{name}")

    await press_until_focused(page, "select[name=first_name]")
    await page.keyboard.type("Ort")
    await press_until_focused(page, "textarea[name=consent]")
    await page.keyboard.type(CONSENT)
    await press_until_focused(page, "button.btn-big")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("[role=alert]:has-text('Look at it first')")
    assert await page.input_value("textarea") == CONSENT
    await look(page, f"import-changed-{name}")
    await page.select_option("select[name=first_name]", "1")
    await page.click("text=Look again")
    await press_until_focused(page, "button.btn-big")
    async with not_carried_on(demo):
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=It has begun")
    # Nobody reloads it.
    await page.wait_for_selector(".state:has-text('done')", timeout=PATIENCE_SECONDS * 1_000)
    assert "40" in await page.inner_text("dl.parts")
    await look(page, f"import-done-{name}")
    await page.click("text=Another list")
    await look(page, f"import-again-{name}")
    await context.close()


async def test_it_works_without_script(browser: Browser, demo: Demo, tmp_path: Path) -> None:
    context = await browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = await context.new_page()
    await sign_in(page, demo)
    await chosen(page, demo, saved(tmp_path))
    await page.fill("textarea[name=consent]", CONSENT)
    await page.click("button.btn-big")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await page.locator(".state:has-text('done')").count():
            await page.click("text=Reload the figures")
            await page.wait_for_timeout(500)
    assert "42 of 42 rows" in await page.inner_text("main")
    await context.close()
