"""Readers' pages in every language: each says its language and direction, and no English is left between the lines."""

import re
from datetime import UTC, date, datetime
from html import unescape
from typing import Any

import pytest
from lxml import html

from service import pages
from service.languages import speaking
from service.public.form import Filled, Told
from service.public.front import Latest
from service.public.masthead import Masthead
from service.public.preferences import Line
from service.public.reading import Entry
from service.rendering import colours, direction
from service.settings import shipped
from service.subscribers import signup
from service.subscribers.signup import FirstNameInvalid
from tests.support import catalogues

DAY = date(2026, 11, 25)
ODD = Told("This is not a usable mail address: odd", "This first name cannot be used.")
LATEST = Latest("/n/memo/2026-11-25", DAY, "25.11.")
MEMO = Masthead("memo", "X", "X", "X", "X", "en", "ltr", colours.accent("#b3261e"), "X", True, True)
VALUES: dict[str, dict[str, Any]] = {
    "archive": {
        "entries": [Entry("/n/memo/2026-11-25", DAY, "25.11.", "X")],
        "has_older": True,
        "page": 2,
        "url": "https://news.example.org/n/memo/archive",
    },
    "closed": {"latest": LATEST},
    "confirm": {"address": "a***@example.org"},
    "confirmed": {"address": "a***@example.org", "is_done": True},
    "edition": {
        "title": "X",
        "line": "X",
        "picture": None,
        "day": DAY,
        "date": "25.11.",
        "published": datetime(2026, 11, 25, 6, tzinfo=UTC),
        "url": "https://news.example.org/n/memo/2026-11-25",
        "body": "",
        "styles": "",
        "form": Filled(),
    },
    "outdated": {},
    "preferences": {
        "address": "a***@example.org",
        "first_name": "X",
        "problem": ODD.usual,
        "notice": "",
        "lines": [Line(MEMO, is_chosen=True, is_open=True, told="X", wording="X")],
        "is_reading": True,
        "is_suppressed": True,
        "is_asked": False,
        "is_done": True,
    },
    "sent": {"address": "anna@example.org"},
    "signup": {
        "appears": ["X"],
        "latest": LATEST,
        "form": Filled(problems={"email": ODD, "first_name": ODD}, notice=ODD),
    },
    "unsubscribe": {"address": "a***@example.org"},
    "unsubscribed": {"address": "a***@example.org", "is_done": False},
}
# What stands there in Latin letters in any language: names, addresses, what the newsroom wrote itself.
OWN = re.compile(r"Morning Memo|Zett & \"Co\"|[\w*]+@example\.org|25\.11\.|\bX\b|Qqq|&\w+;")


def shown(name: str, language: str, **changes: Any) -> html.HtmlElement:
    words = speaking.of(language)
    newsletter = Masthead(
        slug="memo",
        name='Zett & "Co"',
        description="Qqq",
        publisher="Qqq",
        postal_address="Qqq",
        language=language,
        direction=direction.of_language(language),
        accent=colours.accent("#b3261e"),
        wording="Qqq",
        is_open=True,
        is_on_web=True,
    )
    made = pages.environment(shipped("templates")).get_template(f"public/{name}.html").render(
        root="", words=words, _=words.say, way=direction.of_language(words.language), newsletter=newsletter,
        **(VALUES[name] | changes),
    )  # fmt: skip
    assert "{" not in re.sub(r"<style>.*?</style>", "", made, flags=re.DOTALL)
    read = html.document_fromstring(made)
    assert isinstance(read, html.HtmlElement)
    return read


def said(page: html.HtmlElement) -> list[str]:
    attributes = [
        str(one) for one in page.xpath("//@alt | //@aria-label | //meta[@name='description']/@content")
    ]
    return [text for text in (*(str(one) for one in page.xpath("//text()")), *attributes) if text.strip()]


@pytest.mark.parametrize("language", speaking.known())
@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_page_says_its_language_and_direction(name: str, language: str) -> None:
    page = shown(name, language)
    assert (page.get("lang"), page.get("dir")) == (language, direction.of_language(language))
    assert page.findtext(".//title")
    assert [one.text_content() for one in page.iter("h1")] != [""]
    for one in page.iter("span", "h1"):
        if one.text == 'Zett & "Co"' and one.get("lang"):
            assert (one.get("lang"), one.get("dir")) == (language, "auto")


@pytest.mark.parametrize("name", sorted(VALUES))
def test_an_arabic_page_has_no_latin_word_of_ours(name: str) -> None:
    assert not [
        text for text in said(shown(name, "ar")) if re.search("[A-Za-z]{2}", OWN.sub("", unescape(text)))
    ]


@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_german_page_says_nothing_as_the_english_one_does(name: str) -> None:
    english = {text.strip() for text in said(shown(name, "en"))}
    same = {text.strip() for text in said(shown(name, "de"))} & english
    assert not [
        text for text in same if re.search(r"[A-Za-z]{2}", OWN.sub("", text)) and text not in {"Feed"}
    ]


def test_a_page_in_a_language_without_a_catalogue_is_english_and_says_so() -> None:
    page = shown("confirm", "it")
    assert (page.get("lang"), page.get("dir")) == ("en", "ltr")
    (name,) = [one for one in page.iter("span") if one.text == 'Zett & "Co"']
    assert name.get("lang") == "it"


def test_the_length_of_a_first_name_is_the_one_that_is_said() -> None:
    with pytest.raises(
        FirstNameInvalid, match=f"at most {signup.FIRST_NAME_CHARACTERS} characters"
    ) as caught:
        signup.read_first_name("x" * (signup.FIRST_NAME_CHARACTERS + 1))
    assert any(caught.value.message == one.id for one in catalogues.extracted())
