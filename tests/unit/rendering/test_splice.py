"""Whatever a reader is called, the finished bytes read back as what was meant."""

import email.header
import html
import re
import unicodedata
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.rendering import body, personal
from service.rendering.blocks import Note, Sponsor
from service.rendering.rendition import Rendition, RenditionUnreadable
from tests.unit.rendering import reading, samples

PLACEHOLDER = "Platzhalter"
LANGUAGES = ["en", "de", "ja", "ar"]

# Control characters are refused and direction controls dropped; both have tests of their own.
_LEFT_OUT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
names = (
    st.text(min_size=1, max_size=60)
    .map(lambda name: _LEFT_OUT.sub("", name))
    .filter(lambda name: bool(name.strip()))
)


@cache
def rendition_in(language: str) -> Rendition:
    content = samples.CONTENT if language == "en" else samples.in_language(language)
    return body.render(content, samples.TEMPLATES)


def spliced(language: str, name: str) -> reading.Reading:
    reader = samples.PERSONAL._replace(fields={"first_name": name}, greeting_name=name)
    return reading.parsed(personal.splice(rendition_in(language), samples.ENVELOPE, reader))


def without_isolates(text: str) -> str:
    return text.replace("\u2068", "").replace("\u2069", "")


@pytest.mark.parametrize("language", LANGUAGES)
@given(name=names)
@settings(max_examples=20, deadline=None)
@example(name=". From here =20 a=b ")
@example(name="{{first_name|x}} {{ 7*7 }} %s \\1 <b>&amp;</b> \"'")
@example(name="=?utf-8?q?a?=")
@example(name="مرتا")
@example(name="e\u0301" * 40)
def test_any_name_reads_back_as_itself(language: str, name: str) -> None:
    plain, got = spliced(language, PLACEHOLDER), spliced(language, name)
    reading.lines_hold(got.raw)
    shown = unicodedata.normalize("NFC", name).strip()
    assert got.html == plain.html.replace(PLACEHOLDER, html.escape(shown))
    assert without_isolates(got.text) == without_isolates(plain.text).replace(PLACEHOLDER, shown)
    assert without_isolates(got.header("Subject")) == without_isolates(plain.header("Subject")).replace(
        PLACEHOLDER, shown
    )
    for same in (
        "From",
        "Date",
        "Message-ID",
        "Reply-To",
        "List-Id",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
    ):
        assert got.header(same) == plain.header(same)


@given(name=names)
@settings(max_examples=20, deadline=None)
def test_a_display_name_reads_back_and_the_address_stays_alone(name: str) -> None:
    got = spliced("en", name)
    field = (
        got.raw.partition(b"\r\nTo: ")[2].partition(b"\r\nSubject: ")[0].decode("ascii").replace("\r\n", "")
    )
    phrase, _, address = field.rpartition(" ")
    assert address == f"<{samples.PERSONAL.address}>"
    # decode_header reads a phrase as RFC 2047 asks; the structured parser of Python 3.11 puts blanks between encoded-words.
    shown = str(email.header.make_header(email.header.decode_header(phrase)))
    if phrase.startswith('"'):
        shown = re.sub(r"\\(.)", r"\1", shown[1:-1])
    assert shown == " ".join(unicodedata.normalize("NFC", name).split())


def test_both_transfer_encodings_are_in_use() -> None:
    used = {language: [part.encoding for part in rendition_in(language).parts] for language in LANGUAGES}
    assert used["en"] == used["de"] == ["quoted-printable", "quoted-printable"]
    assert used["ja"] == used["ar"] == ["base64", "base64"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_stored_rendition_makes_the_same_bytes(language: str) -> None:
    fresh = rendition_in(language)
    stored = Rendition.from_bytes(fresh.to_bytes())
    assert stored == fresh
    assert stored.sha256 == fresh.sha256
    one, other = (personal.splice(r, samples.ENVELOPE, samples.PERSONAL) for r in (fresh, stored))
    assert one == other


def test_the_same_content_always_makes_the_same_rendition() -> None:
    again = body.render(samples.CONTENT, samples.TEMPLATES)
    assert again.to_bytes() == rendition_in("en").to_bytes()


@pytest.mark.parametrize(
    "stored", [b"", b"{}", b"[]", b'{"format":99}', b"\xff", b'{"format":1,"subject":3}']
)
def test_an_unreadable_rendition_is_named_as_such(stored: bytes) -> None:
    with pytest.raises(RenditionUnreadable):
        Rendition.from_bytes(stored)


def test_a_missing_name_gets_the_default() -> None:
    reader = samples.PERSONAL._replace(fields={})
    got = reading.received(samples.CONTENT, reader)
    assert got.header("Subject") == "Good morning, reader: the ferry stays"
    assert 'Good morning, <span dir="auto">reader</span>.' in got.html


@pytest.mark.parametrize(
    "value", ["a\nBcc: x@example.org", "a\rb", "a\x00b", "a\u2028b", "a\x85b", "a\x0bb", "half \ud83d"]
)
@pytest.mark.parametrize("field", ["first_name", "greeting_name", "address", "unsubscribe_url"])
def test_nb_19_a_value_with_a_line_break_is_refused_by_name(field: str, value: str) -> None:
    base = samples.PERSONAL
    readers = {
        "first_name": base._replace(fields={"first_name": value}),
        "greeting_name": base._replace(greeting_name=value),
        "address": base._replace(address=f"{value}@example.net"),
        "unsubscribe_url": base._replace(unsubscribe_url=f"https://news.example.org/{value}"),
    }
    with pytest.raises(personal.CannotSplice) as caught:
        personal.splice(rendition_in("en"), samples.ENVELOPE, readers[field])
    assert caught.value.field == field


@pytest.mark.parametrize(
    "url",
    [
        "",
        "news.example.org/u",
        "https://news.example.org/a b",
        "https://x.example/>,<mailto:y",
        "https://é.example/",
    ],
)
def test_an_unsubscribe_link_must_be_one_address(url: str) -> None:
    with pytest.raises(personal.CannotSplice) as caught:
        personal.splice(rendition_in("en"), samples.ENVELOPE, samples.PERSONAL._replace(unsubscribe_url=url))
    assert caught.value.field == "unsubscribe_url"


def test_our_own_values_win_over_a_field_of_the_same_name() -> None:
    reader = samples.PERSONAL._replace(
        fields={"unsubscribe_url": "https://evil.example.net/", "address": "x@example.net"}
    )
    got = reading.received(samples.CONTENT, reader)
    assert "evil.example.net" not in got.raw.decode("ascii")
    assert samples.UNSUBSCRIBE in got.text


def test_optional_headers_stand_where_they_are_asked_for() -> None:
    envelope = samples.ENVELOPE._replace(
        feedback_id="12:memo:daily:harborledger", extra={"X-Memo-Delivery": "12-7"}
    )
    got = reading.parsed(personal.splice(rendition_in("en"), envelope, samples.PERSONAL))
    assert got.header("Feedback-ID") == "12:memo:daily:harborledger"
    assert got.header("X-Memo-Delivery") == "12-7"
    with pytest.raises(personal.CannotSplice):
        personal.splice(rendition_in("en"), envelope._replace(extra={"X-A": "a\r\nBcc: b"}), samples.PERSONAL)


def test_a_name_inside_a_link_is_percent_encoded() -> None:
    source = "[Your page](https://example.org/hello?n={{first_name|you}}&x=1) and ![of {{first_name|you}}](https://example.org/a.png)"
    document = samples.RICH.model_copy(
        update={
            "blocks": [
                Note(text_markdown=source),
                Sponsor(label="Ad", text_markdown="x", url="https://example.net/?n={{first_name|you}}"),
            ]
        }
    )
    got = reading.parsed(
        personal.splice(
            body.render(samples.with_document(document), samples.TEMPLATES),
            samples.ENVELOPE,
            samples.PERSONAL._replace(fields={"first_name": 'A&B <ü>"'}),
        )
    )
    assert 'href="https://example.org/hello?n=A%26B%20%3C%C3%BC%3E%22&amp;x=1"' in got.html
    assert 'alt="of A&amp;B &lt;ü&gt;&quot;"' in got.html
    assert "https://example.org/hello?n=A%26B%20%3C%C3%BC%3E%22&x=1" in got.text
    assert "https://example.net/?n=A%26B%20%3C%C3%BC%3E%22" in got.text


def test_a_value_cannot_turn_the_text_around_it() -> None:
    got = spliced("en", "A\u202eB\u2069C")
    assert 'Good morning, <span dir="auto">ABC</span>.' in got.html


def test_a_test_send_is_marked_in_its_subject() -> None:
    rendition = body.render(samples.CONTENT, samples.TEMPLATES, subject_prefix="[Test] ")
    got = reading.parsed(personal.splice(rendition, samples.ENVELOPE, samples.PERSONAL))
    assert got.header("Subject") == "[Test] Good morning, Marta: the ferry stays"


def test_an_address_beyond_ascii_stands_as_it_is() -> None:
    raw = personal.splice(
        rendition_in("en"), samples.ENVELOPE, samples.PERSONAL._replace(address="jürgen@example.net")
    )
    assert "To: jürgen@example.net\r\n".encode() in raw


def test_a_link_of_a_readers_own_may_hold_whatever_an_address_may() -> None:
    link = "https://news.example.org/preferences/größe?a=b&c=" + "d" * 90
    got = reading.received(samples.CONTENT, samples.PERSONAL._replace(preferences_url=link))
    assert link in got.text
    assert html.escape(link) in got.html
