"""`make email-docs`: the catalogue of blocks and the pictures of editions in `docs/email`, made from the real thing.

Pictures need a Chromium, and are taken of the pages as they would leave, with the pictures of the sample newsroom.
"""

import asyncio
import base64
import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import Browser, FloatRect, Page, Route, async_playwright

from service.desk import fields
from service.rendering import blocks, body
from service.rendering.content import EditionContent
from tests.support import block_samples, sample_editions

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "email"
NEWSROOM = ROOT / "examples" / "newsroom"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-lcd-text", "--hide-scrollbars"]
MOST_HEIGHT, WHOLE = 1500, 20_000
QUALITY = 82


class Shot(NamedTuple):
    name: str
    edition: str
    width: int
    scheme: str = "light"
    has_pictures: bool = True
    height: int = MOST_HEIGHT

    @property
    def told(self) -> str:
        named = _IN_WORDS.get(self.edition, self.edition.replace("-", " "))
        without = "" if self.has_pictures else ", pictures off"
        whole = ", whole" if self.height == WHOLE else ""
        return f"{named[:1].upper()}{named[1:]}, {self.width} pixels wide, {self.scheme}{without}{whole}"


_IN_WORDS = {
    "language-ar": "Arabic, theme Ledger",
    "right-to-left-dispatch": "Arabic, theme Dispatch",
    "right-to-left-gazette": "Arabic, theme Gazette",
}
SHOTS = (
    Shot("ledger-390", "theme-ledger", 390, height=WHOLE),
    Shot("ledger-320", "theme-ledger", 320),
    Shot("ledger-320-dark", "theme-ledger", 320, "dark", height=1300),
    Shot("ledger-390-dark", "theme-ledger", 390, "dark"),
    Shot("ledger-600-images-off", "theme-ledger", 600, has_pictures=False),
    Shot("ledger-1280-images-off", "theme-ledger", 1280, has_pictures=False, height=1000),
    Shot("dispatch-390", "theme-dispatch", 390),
    Shot("dispatch-390-images-off", "theme-dispatch", 390, has_pictures=False, height=1300),
    Shot("dispatch-600-dark", "theme-dispatch", 600, "dark", height=WHOLE),
    Shot("dispatch-1280", "theme-dispatch", 1280),
    Shot("gazette-320-images-off", "theme-gazette", 320, has_pictures=False, height=1300),
    Shot("gazette-390-dark", "theme-gazette", 390, "dark"),
    Shot("gazette-600", "theme-gazette", 600),
    Shot("gazette-1280-dark", "theme-gazette", 1280, "dark", height=1200),
    Shot("right-to-left-320-dark", "right-to-left-gazette", 320, "dark", height=1300),
    Shot("right-to-left-390", "language-ar", 390, height=2200),
    Shot("right-to-left-600-images-off", "right-to-left-dispatch", 600, has_pictures=False, height=1200),
    Shot("right-to-left-1280", "language-ar", 1280, height=1200),
    Shot("right-to-left-1280-dark", "right-to-left-dispatch", 1280, "dark", height=1200),
    Shot("alert-390", "masthead-alert", 390),
)


# Asked of somebody who sees the pictures for the first time.
ASKED = (
    ("Is it plain what today's lead is, before anything is scrolled?", "Yes: the largest headline, the first below the note."),
    ("Is it plain who is speaking?", "Yes: the note is signed, stories have bylines, the key graph names speaker and outlet."),
    (
        "Is the sponsor plain, even to somebody who skims?",
        "Yes: it has a double frame of its own, and its first words are “Advertisement · presented by …”.",
    ),
    (
        "Is it plain what can be tapped?",
        "Yes: whatever is underlined, and the buttons; what is bold alone, such as a brief without a link, is not.",
    ),
    ("Is everything whole, at each width: nothing clipped, nothing beside the page?", "Yes: pictures end where the text does."),
    ("Is there room: nothing cramped, no line broken in a silly place?", "Yes: the time to read stays on one line, at 320 pixels as well."),
    ("Is everything legible by day and by night, with no grey on grey?", "Yes: the palest is the deck by night, and it reads well."),
    (
        "Does it hold without pictures?",
        "Yes: what they show stands in their place in words, on a tint as large as they are, and their captions below.",
    ),
    ("Does the Arabic run from the right throughout?", "Yes: bars, lists, numbers, commas and cards too."),
    (
        "Do readers see why they get this, from whom, and how to leave?",
        "Yes: at the foot, with the postal address; leaving is in the second line from the top as well.",
    ),
)  # fmt: skip


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "blocks").mkdir(parents=True)
    (FOLDER / "catalogue.md").write_text(catalogue(), encoding="utf-8")
    (FOLDER / "README.md").write_text(gallery(), encoding="utf-8")
    asyncio.run(_pictures())


def catalogue() -> str:
    """Each block in the order of the samples: what it is for, what it takes, how it is seen and read."""
    parts = [
        "# The blocks of an edition",
        "Made by `make email-docs` from the blocks themselves and from `examples/blocks.json`; do not edit it by hand. "
        "[Editions in the three themes](README.md) · the recipe for a new block is in [CONTRIBUTING](../../CONTRIBUTING.md).",
        *(_entry(kind) for kind in block_samples.written()),
    ]
    return "\n\n".join(parts) + "\n"


def gallery() -> str:
    said = "\n\n".join(f"![{shot.told}]({shot.name}.webp)\n\n{shot.told}." for shot in SHOTS)
    asked = "\n".join(
        f"{number}. {question} **{answer}**" for number, (question, answer) in enumerate(ASKED, 1)
    )
    return (
        "# Editions as readers see them\n\n"
        "Made by `make email-docs`; most are cut below their first screens. [The blocks](catalogue.md), one by one.\n\n"
        "Whoever changes the templates looks at all of them and answers these anew, in `tests/support/email_docs.py`. "
        "A no is mended before the change lands.\n\n"
        f"{asked}\n\n"
        f"{said}\n"
    )


def _entry(kind: str) -> str:
    found = blocks.KINDS[kind]
    called = getattr(found, "called", kind)
    asked = fields.asked(found, {}, {}, spare=1)
    takes = ", ".join(
        f"`{one.name}`" + (" (needed)" if getattr(one, "is_needed", False) else "") for one in asked
    )
    sample = json.dumps({"kind": kind, **block_samples.written()[kind]}, ensure_ascii=False, indent=2)
    return "\n\n".join(
        [
            f"## {called}",
            f"{found.__doc__} It takes {takes}.",
            f"![{called}, as it is seen in the theme Ledger](blocks/{kind}.webp)",
            f"```json\n{sample}\n```",
        ]
    )


async def _pictures() -> None:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        for kind in block_samples.written():
            await _block(browser, kind)
        for shot in SHOTS:
            await _edition(browser, shot)
        await browser.close()


async def _block(browser: Browser, kind: str) -> None:
    page = await browser.new_page(viewport={"width": 640, "height": 400})
    await page.route("**/*", _served)
    await page.set_content(_html(sample_editions.made(f"only-{kind}")))
    row = page.locator("td.masthead" if kind == "masthead" else "td.block").first
    box = await row.bounding_box()
    assert box is not None
    await _kept(page, FOLDER / "blocks" / f"{kind}.webp", box)
    await page.close()


async def _edition(browser: Browser, shot: Shot) -> None:
    page = await browser.new_page(
        viewport={"width": shot.width, "height": 800},
        color_scheme="dark" if shot.scheme == "dark" else "light",
    )
    await page.route("**/*", _served if shot.has_pictures else _refused)
    await page.set_content(_html(sample_editions.made(shot.edition)))
    height: int = await page.evaluate("document.documentElement.scrollHeight")
    box = FloatRect(x=0, y=0, width=shot.width, height=min(height, shot.height))
    await _kept(page, FOLDER / f"{shot.name}.webp", box)
    await page.close()


async def _kept(page: Page, path: Path, box: FloatRect) -> None:
    """As WebP, which the browser's own protocol makes and a tenth of PNG is."""
    protocol = await page.context.new_cdp_session(page)
    asked = {"format": "webp", "quality": QUALITY, "captureBeyondViewport": True, "clip": {**box, "scale": 1}}
    answer = await protocol.send("Page.captureScreenshot", asked)
    path.write_bytes(base64.b64decode(answer["data"]))


def _html(content: EditionContent) -> str:
    return body.page_without_reader(content, sample_editions.TEMPLATES)


async def _served(route: Route) -> None:
    """The sample newsroom's pictures from its folder, and nothing from anywhere else."""
    wanted = NEWSROOM / route.request.url.partition("example.org/")[2]
    if wanted.is_file() and wanted.resolve().is_relative_to(NEWSROOM.resolve()):
        await route.fulfill(path=wanted)
    else:
        await _refused(route)


async def _refused(route: Route) -> None:
    await route.abort()


if __name__ == "__main__":
    main()
