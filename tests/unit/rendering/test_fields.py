"""Personal fields: what is one, what only looks like one, and that no value is ever read as anything but itself."""

import re
import unicodedata
from functools import cache
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.rendering import body, fields, personal
from service.rendering.blocks import (
    Briefs,
    Document,
    Event,
    Events,
    Figure,
    HouseAd,
    Item,
    Note,
    Numbers,
    Picture,
    PictureBlock,
    Sponsor,
    TipLine,
)
from service.rendering.fields import Marks
from service.rendering.rendition import Rendition
from tests.unit.rendering import reading, samples

FIELD = "{{first_name|reader}}"
KEY = "0" * 12
HOSTILE = [
    "{{7*7}}",
    "{{first_name|x}} {% if 1 %} {# #}",
    "<b>x</b><!-- --></td>",
    "\"'`>&amp;&lt;",
    "a\u200fb\u200e",
    "=?utf-8?q?a?= a, b <c@example.net>",
    "*x* _y_ [z](https://x.example) `w` \\",
    "%0d%0aBcc: a?b=c&d=e#f/../",
    ". \u05d3\u05e0\u05d4 \u0645\u0631\u062a\u0627",
]
# Control characters are refused and direction controls dropped (test_splice.py).
names = (
    st.text(min_size=1, max_size=40)
    .map(lambda name: re.sub(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", "", name))
    .filter(lambda name: bool(name.strip()))
)


def everywhere(field: str, within: str = FIELD) -> Document:
    """A field in every kind of place that takes one; `within` stands in addresses, where not every character may."""
    return Document(
        subject=f"S {field} s",
        preheader=f"P {field} p",
        blocks=[
            Note(
                text_markdown=f"N {field} n. [Your page](https://example.org/hello?n={within}&x=1) and "
                f"![of {field}](https://example.org/a.png)"
            ),
            Item(headline=f"I {field} i", body_markdown=f"**{field}**", url=f"https://example.org/{within}"),
            HouseAd(headline=f"H {field} h", button=f"B {field} b", url="https://example.org/"),
            Events(items=[Event(title=f"E {field} e", moment=f"M {field} m")]),
            Numbers(items=[Figure(value="5", text=f"F {field} f")]),
            PictureBlock(picture=Picture(url="https://example.org/b.png", alt=f"A {field} a")),
            TipLine(text_markdown=f"T {field} t", contact="tips@example.org"),
            Sponsor(label=f"L {field} l", text_markdown="x", url=f"https://example.net/?n={within}"),
        ],
    )


@cache
def rendition(language: str) -> Rendition:
    content = samples.CONTENT if language == "en" else samples.in_language(language)
    return body.render(
        content.__class__(content.newsletter, everywhere(FIELD), content.date, content.web_url),
        samples.TEMPLATES,
    )


def bare(text: str) -> str:
    return text.replace("\u2068", "").replace("\u2069", "")


def lands_as(got: reading.Reading, shown: str, within: str) -> None:
    """Every place shows just these characters: as text, in an attribute, in an address, in the header."""
    reading.lines_hold(got.raw)
    assert bare(got.header("Subject")) == f"S {shown} s"
    seen = " ".join(bare(reading.words_of(reading.elements(got.html, "//body")[0])).split())
    read = " ".join(bare(got.text).split())
    spaced = " ".join(shown.split())
    for letter in "PNIHBEMFTL":
        assert f"{letter} {spaced} {letter.lower()}" in seen, letter
        assert f"{letter} {spaced} {letter.lower()}" in read, letter
    alts = [str(one.get("alt")) for one in reading.elements(got.html, "//img")]
    assert alts == [f"of {shown}", f"A {shown} a"]
    for address in addresses_with(within):
        assert address in {str(one.get("href")) for one in reading.elements(got.html, "//a")}
        assert address in got.text
    assert not reading.elements(got.html, "//b") + reading.elements(got.html, "//i")


def addresses_with(value: str) -> list[str]:
    inside = quote(value, safe="")
    return [
        f"https://example.org/hello?n={inside}&x=1",
        f"https://example.org/{inside}",
        f"https://example.net/?n={inside}",
    ]


@pytest.mark.parametrize("language", ["en", "ja"], ids=["quoted-printable", "base64"])
@pytest.mark.parametrize("name", HOSTILE)
def test_nb_43_a_hostile_name_lands_as_that_very_text_in_every_place(language: str, name: str) -> None:
    reader = samples.PERSONAL._replace(fields={"first_name": name}, greeting_name=name)
    shown = unicodedata.normalize("NFC", name).strip()
    lands_as(reading.parsed(personal.splice(rendition(language), samples.ENVELOPE, reader)), shown, shown)


@given(name=names)
@settings(max_examples=25, deadline=None)
def test_any_name_lands_as_itself_in_every_place(name: str) -> None:
    shown = unicodedata.normalize("NFC", name).strip()
    reader = samples.PERSONAL._replace(fields={"first_name": name})
    lands_as(reading.parsed(personal.splice(rendition("en"), samples.ENVELOPE, reader)), shown, shown)


@pytest.mark.parametrize(
    "default", ["dear *you*", "<i>reader</i>", "\"quoted\" & 'more'", "a%20b ?x=1#y", "قارئنا"]
)
def test_the_word_for_readers_without_a_name_is_no_markup_either(default: str) -> None:
    content = samples.with_document(everywhere(f"{{{{first_name|{default}}}}}", "{{first_name|a%20b&c}}"))
    reader = samples.PERSONAL._replace(fields={})
    made = personal.splice(body.render(content, samples.TEMPLATES), samples.ENVELOPE, reader)
    lands_as(reading.parsed(made), default, "a%20b&c")
    page = f"<body>{body.web_page(content, samples.TEMPLATES)}</body>"
    assert f"N {default} n" in reading.words_of(reading.elements(page, "//body")[0])
    assert not reading.elements(page, "//i")
    assert set(addresses_with("a%20b&c")) <= {str(one.get("href")) for one in reading.elements(page, "//a")}


@pytest.mark.parametrize(
    "written",
    [
        "{{frist_name|x}}",
        "{{ name }}",
        "{{ first name }}",
        "{{first_name|a|b}}",
        "{{first_name|reader}",
        "{first_name}",
        "{{{first_name|x}}}",
        "{{prénom|lectrice}}",
        "{{ user.name }}",
    ],
)
def test_what_was_meant_as_a_field_and_is_none_is_found_with_its_place(written: str) -> None:
    paths = [one.path for one in fields.unknown(everywhere(written))]
    assert paths[:3] == ["subject", "preheader", "blocks.0.text_markdown"]
    assert {"blocks.3.items.0.title", "blocks.5.picture.alt", "blocks.6.text_markdown"} <= set(paths)
    (one,) = fields.unknown(Document(subject=f"Good morning, {written}!"))
    assert one == (written, "subject")


@pytest.mark.parametrize(
    "written",
    [
        "{{first_name}}",
        "{{ first_name | dear reader }}",
        "{{ 7*7 }}",
        "{% if x %}",
        "{x}",
        "\\{{frist_name|x}}",
        "{{ ''.__class__ }}",
        "{{}}",
    ],
)
def test_known_fields_and_what_only_looks_like_one_are_let_through(written: str) -> None:
    assert not list(fields.unknown(Document(subject=f"Good morning, {written}!")))


def test_text_from_articles_is_never_read_for_fields() -> None:
    blocks = [
        Item(headline="{{frist_name}}", body_markdown="{{ config }} {{first_name|x}}", article_uid="a1"),
        Briefs.model_validate({"items": [{"headline": "{{first_name|x}} {{ config }}"}]}),
    ]
    document = Document(subject="x", blocks=blocks)
    assert not list(fields.unknown(document))
    got = reading.received(samples.with_document(document))
    for characters in ("{{frist_name}}", "{{ config }} {{first_name|x}}", "{{first_name|x}} {{ config }}"):
        assert characters in got.text


@given(st.text(alphabet="{}\\|frist_name x9ü"))
@example("{{first_name|reader}} and {{ config }}")
@example("\\{{first_name}} {{{x}}} {first_name")
def test_a_headline_that_becomes_the_subject_stays_the_text_it_is(headline: str) -> None:
    held = fields.as_text(headline)
    assert not list(fields.unknown(Document.model_construct(subject=held, preheader="", blocks=[])))
    assert Marks(KEY).line(held) == headline


def test_a_field_behind_a_backslash_is_text_in_markdown_and_in_lines() -> None:
    document = Document(
        subject="\\{{first_name|x}}",
        blocks=[Note(text_markdown="Write \\{{first_name|x}} or \\{{ config }}.")],
    )
    got = reading.received(samples.with_document(document))
    assert got.header("Subject") == "{{first_name|x}}"
    assert "Write {{first_name|x}} or {{ config }}." in got.text
    assert "Write {{first_name|x}} or {{ config }}." in got.html


def test_an_unknown_field_in_an_address_is_found_too() -> None:
    found = [one.path for one in fields.unknown(everywhere(FIELD, "{{frist_name|x}}"))]
    assert found == ["blocks.0.text_markdown", "blocks.1.url", "blocks.7.url"]
