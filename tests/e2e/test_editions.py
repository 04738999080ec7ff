"""Editions as a browser shows them: axe is silent by day and by night, nothing is wider than a small phone, targets fit a thumb."""

from pathlib import Path

from playwright.async_api import Browser, Page, Route

from service.rendering import body
from tests.support import sample_editions

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SHOWN = (
    "theme-ledger",
    "theme-dispatch",
    "theme-gazette",
    "language-ar",
    "everything-of-markdown",
    "no-blanks",
)
SMALLEST = 320
THUMB = 44
_FAULTS = """(tags) => axe.run({runOnly: tags}).then(
  (found) => found.violations.map((one) => one.id + ": " + one.nodes.map((node) => node.html.slice(0, 90)).join(" | ")))"""
_TOO_SMALL = """(least) => [...document.querySelectorAll(".tap, .button-link")]
  .filter((one) => one.getBoundingClientRect().height < least).map((one) => one.textContent)"""


async def _no_pictures(route: Route) -> None:
    await route.abort()


async def _faults(page: Page) -> list[str]:
    found: list[str] = await page.evaluate(_FAULTS, TAGS)
    return found


async def test_editions_are_accessible_and_fit_a_small_phone(browser: Browser) -> None:
    context = await browser.new_context(viewport={"width": SMALLEST, "height": 640})
    await context.route("**/*", _no_pictures)
    page = await context.new_page()
    for name in SHOWN:
        html = body.page_without_reader(sample_editions.made(name), sample_editions.TEMPLATES)
        await page.set_content(html)
        await page.evaluate(AXE)
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            assert await _faults(page) == [], (name, scheme)
        assert await page.evaluate("document.documentElement.scrollWidth") <= SMALLEST, name
        assert await page.evaluate(_TOO_SMALL, THUMB) == [], name
    await context.close()
