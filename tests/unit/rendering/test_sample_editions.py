"""Each sample edition passes every check that can be made without a mail program."""

import itertools
import re
from functools import cache

import pytest
from lxml import etree

from service.rendering import body, colours, fitting, personal
from tests.support import mail_features, page_sight, sample_editions
from tests.unit.rendering import reading, samples

NAMES = list(sample_editions.MAKERS)
LEAST_SIZE = 14
# What a mail program cannot show, and why the page uses it all the same. A pair that is not here fails.
BORNE = {
    ("outlook-windows", "css-at-media"): "it shows the wide page, which fits its window",
    ("outlook-windows", "css-at-media-prefers-color-scheme"): "it turns the day's colours over by itself",
    (
        "gmail-web",
        "css-at-media-prefers-color-scheme",
    ): "it turns the day's colours over by itself, or not at all",
    ("yahoo-web", "css-at-media-prefers-color-scheme"): "it turns the day's colours over by itself",
    ("outlook-windows", "css-border-radius"): "its corners are square",
    ("outlook-windows", "css-color-scheme"): "only says that the page has a night",
    ("outlook-com", "css-color-scheme"): "only says that the page has a night",
    ("gmail-web", "css-color-scheme"): "only says that the page has a night",
    ("yahoo-web", "css-color-scheme"): "only says that the page has a night",
    ("gmail-web", "html-meta-color-scheme"): "only says that the page has a night",
    ("outlook-windows", "html-meta-color-scheme"): "only says that the page has a night",
    ("outlook-com", "html-meta-color-scheme"): "only says that the page has a night",
    ("apple-ios", "html-meta-color-scheme"): "it reads the property in the style instead",
    ("yahoo-web", "html-meta-color-scheme"): "only says that the page has a night",
    ("yahoo-web", "css-word-break"): "a word that is wider than the page makes the page wider",
    (
        "yahoo-web",
        "css-height",
    ): "its window is wider than the column, where a picture has the height that its tag says",
    ("yahoo-web", "html-aria-label"): "the link's own words are read out, without the headline",
}
# Programs lay a page of their own around ours, whatever it is.
OUR_FRAME = {"html-doctype", "html-body", "html-comments"}


@cache
def _read(name: str) -> reading.Reading:
    rendition = body.render(sample_editions.made(name), sample_editions.TEMPLATES)
    return reading.parsed(personal.splice(rendition, samples.ENVELOPE, samples.PERSONAL))


def test_there_are_enough_of_them() -> None:
    assert len(NAMES) >= 40


@pytest.mark.parametrize("name", NAMES)
def test_the_message_is_good_and_small_enough(name: str) -> None:
    got = _read(name)
    # Words that look like tags are words, in the text as on the page.
    assert reading.faults(got.raw, samples.PERSONAL.address) == (
        ["A2: tags in the text part"] if name == "hostile" else []
    )
    assert len(got.html.encode()) <= fitting.QUOTED_OCTETS + 1000
    assert len(page_sight.kept_style(got.html).encode()) <= 8 * 1024
    assert "Port Linden" in got.html
    assert "Port Linden" in got.text
    for line in got.text.splitlines():
        assert (
            len(line) <= 78
            or " " not in line.strip()
            or "http" in line
            or not line.isascii()
            or " | " in line
        ), line


@pytest.mark.parametrize("name", NAMES)
def test_headings_links_and_pictures_can_be_heard(name: str) -> None:
    html = _read(name).html
    levels = [
        int(str(one.tag)[1])
        for one in reading.elements(html, "//*[self::h1 or self::h2 or self::h3 or self::h4]")
    ]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    for link in reading.elements(html, "//a"):
        said = reading.words_of(link) or "".join(str(one.get("alt") or "") for one in link.iter("img"))
        assert (said or link.get("aria-label") or "").strip()
        assert said.strip().lower() not in {"here", "click here", "more", "link"}
    for picture in reading.elements(html, "//img"):
        assert picture.get("alt") is not None
    for table in re.findall(r"<table\b[^>]*>", html):
        assert 'role="presentation"' in table or 'class="data"' in table


@pytest.mark.parametrize("name", NAMES)
def test_every_word_can_be_read_by_day_and_by_night(name: str) -> None:
    html = _read(name).html
    for page in (html, page_sight.by_night(html)):
        shown = list(page_sight.words(page))
        assert shown
        for one in {(word.ink, word.ground, word.size): word for word in shown}.values():
            assert colours.contrast(one.ink, one.ground) >= colours.ENOUGH, one
            assert one.size >= LEAST_SIZE, one


def test_what_mail_programs_cannot_show_is_known_and_borne() -> None:
    used: set[str] = set()
    for name in NAMES:
        used |= mail_features.used(_read(name).html)
    assert not {feature for feature in used if feature.startswith("?")}
    assert len(used) > 40
    assert len(BORNE) <= 20
    assert mail_features.missing(used - OUR_FRAME) == set(BORNE)


def test_a_feature_that_is_new_is_noticed() -> None:
    page = '<html><body><p style="display:flex;color:red">x</p><style>p>b{margin:0}</style></body></html>'
    assert {"css-display-flex", "css-selector-child", "css-margin"} <= mail_features.used(page)
    assert ("outlook-windows", "css-display-flex") in mail_features.missing(mail_features.used(page))
    assert mail_features.used('<p style="hanging-punctuation:first">x</p>') >= {"?hanging-punctuation"}


def test_nb_43_hostile_words_arrive_as_the_same_words_and_do_nothing() -> None:
    got = _read("hostile")
    tags = {str(one.tag) for one in reading.elements(got.html, "//body//*")}
    assert not tags & {"script", "iframe", "form", "object"}
    assert not [
        one for one in reading.elements(got.html, "//*") if any(str(a).startswith("on") for a in one.attrib)
    ]
    assert not reading.elements(got.html, "//img")
    headlines = [reading.words_of(one) for one in reading.elements(got.html, "//h2")]
    for text in sample_editions.HOSTILE[:4]:
        assert text in headlines
        assert text in got.text.replace("\n", " ")
    assert "a\u202eb c d" in headlines
    assert got.header("Subject") == sample_editions.HOSTILE[0]


def test_nb_70_a_page_that_runs_from_right_to_left_runs_so_throughout() -> None:
    got = _read("right-to-left-dispatch")
    cells = reading.elements(got.html, "//td[contains(concat(' ', @class, ' '), ' block ')]")
    assert {cell.get("dir") for cell in cells} <= {"rtl", "ltr"}
    assert sum(cell.get("dir") == "rtl" for cell in cells) > len(cells) * 0.8
    (quote,) = reading.elements(got.html, "//td[contains(@class, 'bar-')]")
    assert "border-right" in str(quote.get("style"))
    assert "border-left" not in str(quote.get("style"))
    lists = [str(one.get("style")) for one in reading.elements(got.html, "//ul[@class='list']")]
    assert lists
    assert all("padding:0 24px 0 0" in style for style in lists)


def test_a_part_says_the_same_in_either_form_whatever_the_theme() -> None:
    texts = {_read(f"theme-{name}").text for name in ("ledger", "dispatch", "gazette")}
    assert len(texts) == 1


def test_the_check_of_contrast_sees_grey_on_grey() -> None:
    page = '<html><body style="background-color:#777777"><p style="color:#888888">x</p></body></html>'
    (found,) = page_sight.words(page)
    assert isinstance(found, page_sight.Words)
    assert colours.contrast(found.ink, found.ground) < 2
    assert etree.HTML(page) is not None
