"""Faults that others' newsletters are known for, looked for in ours: links that are rewritten, texts that run, pages that grow."""

import re

import pytest

from service.rendering import body
from service.rendering.blocks import Document, Item, Lead, Note
from tests.support import sample_editions
from tests.unit.rendering import reading, samples

KEPT = (
    "https://newsroom.example.org/a?b=1&c=2#d",
    "http://newsroom.example.org/plain",
    "mailto:desk@example.org?subject=A%20B",
)
NO_LINKS = (
    "tel:+491234",
    "sms:+491234",
    "#top",
    "",
    "cid:part1",
    "data:text/html,x",
    "javascript:alert(1)",
    "//x.example",
)


def _hrefs(html: str) -> list[str]:
    return [str(one.get("href")) for one in reading.elements(html, "//a")]


def test_nb_62_links_leave_as_they_were_written_for_every_reader() -> None:
    """Nothing counts clicks: no address leads through us, and what is no link of a mail is words."""
    source = "\n\n".join(f"[Word {number}]({address})" for number, address in enumerate((*KEPT, *NO_LINKS)))
    lead = Lead(headline="H", body_markdown="x", url="https://newsroom.example.org/lead?u=1&v=2")
    content = samples.with_document(Document(subject="x", blocks=[lead, Note(text_markdown=source)]))
    texts = set()
    for name in ("Marta", "Jonas"):
        reader = samples.PERSONAL._replace(address=f"{name.lower()}@example.net")
        got = reading.received(content, reader)
        hrefs = _hrefs(got.html)
        for address in (*KEPT, "https://newsroom.example.org/lead?u=1&v=2"):
            assert address in hrefs
            assert address.removeprefix("mailto:") in got.text
        own = {href for href in hrefs if href.startswith("https://news.example.org/")}
        assert own == {samples.UNSUBSCRIBE, samples.PREFERENCES, content.web_url}
        assert all(href.startswith(("https://", "http://", "mailto:")) for href in hrefs)
        for number in range(len(KEPT) + len(NO_LINKS)):
            assert f"Word {number}" in got.html
        assert not re.search(r"<(?:area|v:roundrect)\b", got.html)
        texts.add(got.html.replace(reader.address, ""))
    assert len(texts) == 1


def test_nb_43_hostile_words_are_words_on_the_web_page_too() -> None:
    page = body.web_page(sample_editions.made("hostile"), sample_editions.TEMPLATES)
    tags = {str(one.tag) for one in reading.elements(f"<html><body>{page}</body></html>", "//body//*")}
    assert not tags & {"script", "iframe", "form", "object", "img"}
    headlines = [reading.words_of(one) for one in reading.elements(f"<html>{page}</html>", "//h2")]
    for text in sample_editions.HOSTILE[:4]:
        assert text in headlines


@pytest.mark.parametrize("name", ["theme-ledger", "forty-whole-articles", "giant-table", "language-ar"])
def test_nb_68_the_way_out_stands_near_the_top_and_at_the_foot(name: str) -> None:
    got = reading.received(sample_editions.made(name))
    sheet = got.html[got.html.index("<body") :]
    first, last = sheet.index(samples.UNSUBSCRIBE[:60]), sheet.rindex(samples.UNSUBSCRIBE[:60])
    assert first < 4_000
    assert len(sheet) - last < 4_000
    assert got.text.index(samples.UNSUBSCRIBE) < 800


def test_nb_68_drawings_and_styles_in_a_text_take_no_room() -> None:
    path = '<path d="M0 0"/>'
    source = f"<svg>{path * 50}</svg>\n\n<style>{'p{color:red}' * 50}</style>\n\nAnd so on."
    got = reading.received(
        samples.with_document(Document(subject="x", blocks=[Item(headline="H", body_markdown=source)]))
    )
    assert not reading.elements(got.html, "//body//svg | //body//style")
    assert "And so on." in got.html


def test_nb_17_links_of_ours_join_the_public_address_with_one_slash() -> None:
    for name in ("theme-ledger", "masthead-alert"):
        got = reading.received(sample_editions.made(name))
        for href in (href for href in _hrefs(got.html) if href.startswith("https://news.example.org")):
            assert "//" not in href.removeprefix("https://")
