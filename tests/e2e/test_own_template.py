"""A template of a newsletter's own in a real browser, and readers' pages in a language that runs from the right."""

from lxml import html
from playwright.async_api import Browser

from service.demo.running import Demo
from service.settings import shipped
from tests.e2e.test_relays import look, sign_in
from tests.unit.languages.test_pages import VALUES, shown

PATH = "/desk/newsletters/morning-memo"


async def test_a_template_is_begun_tried_on_refused_and_kept(browser: Browser, demo: Demo) -> None:
    for width, scheme in ((390, "light"), (1280, "dark")):
        context = await browser.new_context(
            viewport={"width": width, "height": 844},
            bypass_csp=True,
            color_scheme="dark" if scheme == "dark" else "light",
        )
        await context.route("https://**", lambda route: route.abort())  # the pictures of the sample edition
        page = await context.new_page()
        await sign_in(page, demo)
        await page.goto(f"{demo.base_url}{PATH}/look")
        await page.click("text=A template of your own")
        await page.click("summary")
        await look(page, f"template-{width}-{scheme}")
        written = await page.input_value("textarea")
        await page.fill("textarea", written.replace("</h1>", "</h1><p>By the harbor</p>"))
        await page.click("text=Try it on")
        await page.frame_locator("iframe[name=tried]").get_by_text("By the harbor").wait_for()
        await page.fill("textarea", written.replace("{{ unsubscribe_url }}", "#"))
        async with page.expect_navigation(wait_until="domcontentloaded"):
            await page.click("button.btn-primary")
        assert "The link to unsubscribe is missing" in await page.inner_text("[role=alert]")
        await look(page, f"template-wrong-{width}-{scheme}")
        await page.fill("textarea", written)
        async with page.expect_navigation(wait_until="domcontentloaded"):
            await page.click("button.btn-primary")
        assert "Saved" in await page.inner_text("[role=status]")
        await context.close()


async def test_nb_70_arabic_pages_are_accessible_and_fit(browser: Browser) -> None:
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page = await context.new_page()
    css = (shipped("static") / "public.css").read_text(encoding="utf-8")
    for name in sorted(VALUES):
        written = html.tostring(shown(name, "ar"), encoding="unicode", doctype="<!doctype html>")
        await page.set_content(written.replace("</head>", f"<style>{css}</style></head>"))
        await look(page, f"ar-{name}-390")
        main = page.locator("main")
        assert await main.evaluate("one => getComputedStyle(one).direction") == "rtl"
    await context.close()
