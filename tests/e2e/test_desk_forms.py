"""The desk in a real browser where something was refused: the page opens at the field, and nothing is lost from sight."""

import pytest
from playwright.async_api import Browser, Page

from service.demo import sample, tour
from service.demo.running import Demo
from tests.e2e.test_relays import look, sign_in

NEWSLETTER = f"/desk/newsletters/{sample.SLUG}"
# Browsers look for the field to open at when they draw the page for the first time.
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
SEEN = """() => {
  const one = document.activeElement;
  const told = document.getElementById(one.getAttribute("aria-describedby").split(" ").pop());
  const [field, text] = [one.getBoundingClientRect(), told.getBoundingClientRect()];
  const isOnScreen = field.top >= 0 && text.bottom <= window.innerHeight;
  return {id: one.id, told: told.textContent, isOnScreen, apart: text.top - field.bottom};
}"""


async def refused(page: Page, field: str, typed: str, name: str) -> None:
    """What is typed is refused: focus, sentence and field stand together on the screen, and the way from the top leads there."""
    await page.fill(f"#{field}", typed)
    async with page.expect_navigation():
        await page.press(f"#{field}", "Enter")
    await page.evaluate(DRAWN)
    await page.wait_for_function(f"({SEEN})().isOnScreen")  # it scrolls there when it gets round to it
    seen = await page.evaluate(SEEN)
    assert (seen["id"], await page.input_value(f"#{field}")) == (field, typed)
    assert seen["isOnScreen"]
    assert 0 <= seen["apart"] < 40
    await look(page, name)
    await page.evaluate("window.scrollTo(0, 0); document.activeElement.blur()")
    await page.click("#problem a")
    assert (await page.evaluate("document.activeElement.id || location.hash")) in {field, f"#{field}"}


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark"), (320, "light")])
async def test_a_refused_form_opens_at_its_field(
    browser: Browser, demo: Demo, width: int, scheme: str
) -> None:
    context = await browser.new_context(
        viewport={"width": width, "height": 844},
        bypass_csp=True,
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page, name = await context.new_page(), f"{width}-{scheme}"
    await sign_in(page, demo)
    await look(page, f"today-{name}")
    await page.goto(f"{demo.base_url}{NEWSLETTER}")
    await look(page, f"newsletter-{name}")
    await refused(page, "ping-url", "https://me:secret@watch.example.org/", f"newsletter-wrong-{name}")

    await page.goto(page.url.partition("#")[0])  # the address of the form, opened again
    await look(page, f"form-address-{name}")
    async with page.expect_navigation():
        await page.get_by_role("link", name="Back", exact=True).click()
    assert page.url == f"{demo.base_url}{NEWSLETTER}"

    edition = await tour._new_edition(demo, {"automatic": True})
    await page.goto(f"{demo.base_url}/desk/editions/{edition}")
    await refused(page, "address", "nobody", f"edition-wrong-{name}")
    await page.goto(f"{demo.base_url}/desk/editions/{edition}")
    await page.click("text=Dark")
    await look(page, f"edition-dark-{name}")
    await context.close()


@pytest.mark.parametrize("width", [320, 390, 1280])
async def test_technical_pages_stand_apart_in_the_navigation(
    browser: Browser, demo: Demo, width: int
) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 844}, bypass_csp=True)
    page = await context.new_page()
    await sign_in(page, demo)
    today = await page.locator("nav[aria-label=Editions] a").bounding_box()
    links = [await one.bounding_box() for one in await page.locator("nav[aria-labelledby=technical] a").all()]
    assert today is not None
    assert len(links) == 5
    for one in links:
        assert one is not None
        assert one["height"] >= 44
        assert one["y"] >= today["y"] + 44 if width < 992 else one["x"] > today["x"] + today["width"]
    await page.click("text=Signing")
    await look(page, f"signing-nav-{width}")
    assert await page.inner_text("header [aria-current]") == "Signing"
    await context.close()
