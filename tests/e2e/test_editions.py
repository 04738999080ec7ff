"""Editions as a browser shows them: axe is silent by day and by night, nothing is wider than a small phone, targets fit a thumb."""

from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page, Route

from service.rendering import body, personal
from tests.support import sample_editions
from tests.unit.rendering import reading, samples

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SMALLEST = 320
THUMB = 44
_FAULTS = """(rules) => axe.run({runOnly: rules}).then(
  (found) => found.violations.map((one) => one.id + ": " + one.nodes.map((node) => node.html.slice(0, 90)).join(" | ")))"""
_TOO_SMALL = """(least) => [...document.querySelectorAll(".tap, .button-link")]
  .filter((one) => one.getBoundingClientRect().height < least).map((one) => one.textContent)"""


async def _no_pictures(route: Route) -> None:
    await route.abort()


async def _faults(page: Page, scheme: Literal["light", "dark"]) -> list[str]:
    """By night nothing but the colours is another."""
    await page.emulate_media(color_scheme=scheme)
    found: list[str] = await page.evaluate(_FAULTS, TAGS if scheme == "light" else ["color-contrast"])
    return found


async def test_editions_are_accessible_and_fit_a_small_phone(browser: Browser) -> None:
    context = await browser.new_context(viewport={"width": SMALLEST, "height": 640})
    await context.route("**/*", _no_pictures)
    page = await context.new_page()
    assert len(sample_editions.MAKERS) >= 40
    for name in sample_editions.MAKERS:
        await page.set_content(_sent(name))
        await page.evaluate(AXE)
        assert await _faults(page, "light") == [], name
        assert await _faults(page, "dark") == [], name
        assert await page.evaluate("document.documentElement.scrollWidth") <= SMALLEST, name
        assert await page.evaluate(_TOO_SMALL, THUMB) == [], name
    await context.close()


async def test_axe_sees_what_is_wrong_by_night_alone(browser: Browser) -> None:
    page = await browser.new_page()
    night = "@media (prefers-color-scheme:dark){p{color:#333!important;background-color:#222!important}}"
    await page.set_content(
        f'<html lang="en"><title>x</title><style>{night}</style><main><p>Good morning</p></main></html>'
    )
    await page.evaluate(AXE)
    assert await _faults(page, "light") == []
    assert [fault.partition(":")[0] for fault in await _faults(page, "dark")] == ["color-contrast"]
    await page.close()


def _sent(name: str) -> str:
    rendition = body.render(sample_editions.made(name), sample_editions.TEMPLATES)
    return reading.parsed(personal.splice(rendition, samples.ENVELOPE, samples.PERSONAL)).html
