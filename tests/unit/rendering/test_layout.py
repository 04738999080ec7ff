"""What is asked of the page a reader sees: styles, size, direction, access."""

import itertools
import re
import time
from dataclasses import replace

import pytest

from service.rendering import body, colours, fitting, inlining
from service.rendering.blocks import Comments, Document, Item, LateUpdate, Masthead, Note, Picture
from tests.unit.rendering import reading, samples

NB_61 = """<!doctype html><html lang="en"><head><title>t</title><style>
/* a { color: pink } */
a{color:red} a:hover{color:blue} @font-face{font-family:X;src:url(https://x.example/x.woff)}
.one{margin:1px;margin-left:5px} .two{margin-left:5px;margin:1px} td.cell{padding:3px} .loud{color:green!important}
@media (max-width:600px){.one{margin:0!important} a{color:black}}
@media (prefers-color-scheme:dark){.one{color:#fff}}
</style><!--[if mso]><style>td{x:y}</style><![endif]--></head><body>
<!--[if mso]><table role="presentation"><tr><td><![endif]-->
<p class="one" style="margin-left:9px">a</p><p class="two">b</p><p class="loud" style="color:black">c</p>
<table><tr><td class="cell">d</td></tr></table><a href="https://x.example/?a=1&amp;b=2">e</a>
<!--[if mso]></td></tr></table><![endif]--></body></html>"""


def styles(html: str, path: str) -> dict[str, str]:
    (element,) = reading.elements(html, path)
    entries = [
        entry.partition(":") for entry in (reading.attribute(element, "style") or "").split(";") if entry
    ]
    return {name.strip(): value.strip() for name, _, value in entries}


def test_nb_61_what_cannot_be_inlined_stays_in_one_style() -> None:
    html = inlining.inline(NB_61)
    for comment in re.findall(r"<!--.*?-->", NB_61):
        assert comment in html
    (kept,) = re.findall(r"<style>(.*?)</style>", re.sub(r"<!--.*?-->", "", html), re.DOTALL)
    for rule in (
        "@media (max-width:600px)",
        "@media (prefers-color-scheme:dark)",
        "a:hover{color:blue}",
        "@font-face",
    ):
        assert rule in kept
    assert html.index("</style>") < html.index("</head>")


def test_nb_61_the_cascade_holds() -> None:
    html = inlining.inline(NB_61)
    one, two = styles(html, "//p[@class='one']"), styles(html, "//p[@class='two']")
    assert one["margin-left"] == "9px"
    assert list(two) == ["margin-left", "margin"]
    assert styles(html, "//p[@class='loud']")["color"].startswith("green")
    assert styles(html, "//td")["padding"] == "3px"
    assert styles(html, "//a") == {"color": "red"}


def test_nb_61_sixty_articles_take_less_than_a_second() -> None:
    item = Item(
        headline="Headline", deck="Deck", body_markdown="A paragraph of some words.\n\n" * 2, url=samples.SITE
    )
    document = Document(
        subject="x", blocks=[item.model_copy(update={"headline": f"No. {n}"}) for n in range(60)]
    )
    body.render(samples.CONTENT, samples.TEMPLATES)
    began = time.process_time()
    rendition = body.render(samples.with_document(document), samples.TEMPLATES)
    assert time.process_time() - began < 1
    assert not rendition.was_cut


def test_the_kept_style_is_small() -> None:
    got = reading.received(samples.CONTENT)
    (kept,) = re.findall(r"<style>(.*?)</style>", re.sub(r"<!--.*?-->", "", got.html), re.DOTALL)
    assert "prefers-color-scheme:dark" in kept
    assert len(kept.encode()) <= 8 * 1024


PARAGRAPH = (
    "This is one paragraph of an article that a reader may well want to read to its end. " * 8 + "\n\n"
)
JAPANESE = "町議会は火曜日の深夜、五対四で古いフェリー乗り場の存続を決めた。" * 12 + "\n\n"


@pytest.mark.parametrize(
    ("text", "limit"),
    [(PARAGRAPH, fitting.QUOTED_OCTETS), (JAPANESE, fitting.BASE64_OCTETS)],
    ids=["english", "japanese"],
)
def test_nb_68_forty_full_articles_are_cut_to_the_limit_and_keep_the_footer(text: str, limit: int) -> None:
    items = [
        Item(headline=f"Article {n}", body_markdown=text * 8, url=f"{samples.SITE}/{n}", article_uid=f"a{n}")
        for n in range(40)
    ]
    document = Document(subject="x", blocks=[Note(text_markdown="Hello {{first_name|x}}"), *items])
    rendition = reading.rendered(samples.with_document(document))
    assert rendition.was_cut
    assert rendition.html_octets <= limit
    got = reading.received(samples.with_document(document))
    assert abs(len(got.html.encode()) - rendition.html_octets) < 1000
    assert "Port Alder 04101" in got.html
    assert "Unsubscribe from Morning Memo" in got.html
    for n in range(40):
        assert f"Article {n}" in got.text
    assert got.html.count("Read on the site</a>") == 40


def test_nb_68_when_even_headlines_are_too_many_the_rest_is_linked() -> None:
    items = [Item(headline=f"{n} " + "x" * 400, deck="y" * 1900) for n in range(110)]
    rendition = reading.rendered(samples.with_document(Document(subject="x", blocks=items)))
    assert rendition.was_cut
    assert rendition.html_octets <= fitting.QUOTED_OCTETS
    got = reading.received(samples.with_document(Document(subject="x", blocks=items)))
    assert "Read the rest of this edition on the site" in got.html
    assert "Read the rest of this edition on the site" in got.text
    assert "Unsubscribe from Morning Memo" in got.html


def test_nb_68_an_edition_of_normal_size_is_left_alone() -> None:
    assert not reading.rendered(samples.CONTENT).was_cut


@pytest.mark.parametrize("language", ["ar", "he", "fa", "de", "ja"])
def test_nb_70_language_and_direction_stand_on_the_document(language: str) -> None:
    content = samples.in_language(language)
    got = reading.received(content)
    way = content.newsletter.direction
    (root,) = reading.elements(got.html, "/html")
    assert (root.get("lang"), root.get("dir")) == (language, way)
    cells = reading.elements(got.html, "//td[contains(@class, 'block')]")
    assert cells
    assert {cell.get("dir") for cell in cells} == {way}
    assert {cell.get("align") for cell in cells} == {"right" if way == "rtl" else "left"}


def test_nb_70_each_article_runs_its_own_way() -> None:
    document = Document(
        subject="Morning שלום?",
        blocks=[
            Item(headline="שלום לכולם?", body_markdown="עברית", language="he"),
            Item(headline="مرحبا", body_markdown="x"),
            Item(headline="Plain", body_markdown="x"),
            Item(headline="2026", body_markdown="x"),
        ],
    )
    got = reading.received(samples.with_document(document))
    assert got.header("Subject") == "Morning שלום?"
    cells = reading.elements(got.html, "//td[contains(@class, 'block')]")
    assert [(cell.get("lang"), cell.get("dir")) for cell in cells] == [
        ("he", "rtl"),
        (None, "rtl"),
        (None, "ltr"),
        (None, "ltr"),
    ]


def test_nb_70_a_hebrew_name_is_isolated_in_an_english_greeting() -> None:
    got = reading.received(samples.CONTENT, samples.named_reader("דנה"))
    assert 'Good morning, <span dir="auto">דנה</span>.' in got.html
    assert "Good morning, \u2068דנה\u2069." in got.text
    assert got.header("Subject") == "Good morning, \u2068דנה\u2069: the ferry stays"
    assert "\u2068" not in reading.received(samples.CONTENT).text


def test_nb_71_a_screen_reader_hears_the_news_and_not_the_layout() -> None:
    decorative = Picture(url=f"{samples.SITE}/x.png", alt="")
    blocks = [*samples.RICH.blocks, Item(headline="With a picture", picture=decorative)]
    got = reading.received(samples.with_document(samples.RICH.model_copy(update={"blocks": blocks})))
    for table in re.findall(r"<table\b[^>]*>", got.html):
        assert 'role="presentation"' in table
    assert reading.attribute(reading.elements(got.html, "/html")[0], "lang") == "en"
    assert (
        reading.words_of(reading.elements(got.html, "/html/head/title")[0])
        == "Good morning, Marta: the ferry stays"
    )
    assert len(reading.elements(got.html, "//h1")) == 1
    assert {"The old ferry terminal stays open, by one vote", "With a picture"} <= {
        reading.words_of(heading) for heading in reading.elements(got.html, "//h2")
    }
    pictures = reading.elements(got.html, "//img")
    assert [reading.attribute(picture, "alt") for picture in pictures] == [samples.TERMINAL.alt, ""]
    for link in reading.elements(got.html, "//a"):
        words = reading.words_of(link)
        assert words
        assert words.lower() not in {"here", "click here", "more", "link"}
        assert "text-decoration:underline" in (reading.attribute(link, "style") or "")
    levels = [
        int(h.tag[1]) for h in reading.elements(got.html, "//*[self::h1 or self::h2 or self::h3 or self::h4]")
    ]
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))


@pytest.mark.parametrize(
    "accent", ["#9b1c1c", "#ffd400", "#000", "#ffffff", "#1e90ff", "nonsense", "#00ff88"]
)
def test_nb_71_any_accent_is_legible_by_day_and_by_night(accent: str) -> None:
    found = colours.accent(accent)
    for ground in ("#ffffff", "#f7f5f0", "#fdf3d8", colours.PAPER):
        assert colours.contrast(found.day, ground) >= 4.5
    for ground in ("#171615", "#22201d", colours.NIGHT):
        assert colours.contrast(found.night, ground) >= 4.5
    assert colours.contrast("#5c564c", "#f7f5f0") >= 4.5
    assert colours.contrast("#b9b2a5", "#22201d") >= 4.5


@pytest.mark.parametrize(
    ("variant", "label"), [("alert", "Breaking news"), ("weekend", "Weekend edition"), ("daily", None)]
)
def test_a_masthead_says_what_kind_of_edition_it_is(variant: str, label: str | None) -> None:
    document = Document.model_validate(
        {
            "subject": "x",
            "blocks": [{"kind": "masthead", "variant": variant}, {"kind": "note", "text_markdown": "Hello."}],
        }
    )
    got = reading.received(samples.with_document(document))
    for word in ("Breaking news", "Weekend edition"):
        assert (word in got.html, word in got.text) == (word == label, word == label)


def test_every_block_is_in_both_parts() -> None:
    got = reading.received(samples.CONTENT)
    text = " ".join(got.text.split())
    shown = " ".join(reading.words_of(reading.elements(got.html, "//body")[0]).split())
    for words in (
        "Tomas Reyes, morning editor",
        "The old ferry terminal stays open, by one vote",
        "The mayor will sign",
        "Council member Agnes Moreau",
        "Ferry operations, winter 2026–27",
        "Scallop season opens a week early",
        "Paid for by the Port Alder Credit Union",
        "Latest from Business",
        "The 7:40 boat is cancelled today",
        "42 comments",
        "Ida Brandvold",
    ):
        assert words in text
        assert words in shown
    assert 'href="https://coastalradio.example.net/ferry-debate"' in got.html


def test_the_web_page_knows_no_reader() -> None:
    html = body.web_page(samples.CONTENT, samples.TEMPLATES)
    assert "Good morning, reader." in html
    assert "nsubscribe" not in html
    assert "style=" not in html
    assert "<h1" not in html
    assert "zq" not in html
    assert ".lead-head{" in body.web_styles(samples.CONTENT, samples.TEMPLATES)


def test_reading_time_counts_words_and_characters() -> None:
    words = Document(subject="x", blocks=[Note(text_markdown="word " * 461)])
    signs = Document(subject="x", blocks=[Item(headline="字" * 100, body_markdown="字" * 901)])
    assert samples.with_document(words).reading_minutes == 3
    assert samples.with_document(signs).reading_minutes == 3
    assert samples.with_document(Document(subject="x")).reading_minutes == 1


def test_many_late_updates_and_no_comments_yet() -> None:
    late = [LateUpdate(text_markdown=f"Update {n}") for n in range(3)]
    blocks = [Masthead(), Item(headline="x", late_updates=late), Comments(url=samples.SITE, count=0)]
    got = reading.received(replace(samples.CONTENT, document=Document(subject="x", blocks=blocks)))
    assert got.html.count("Late update") == 3
    assert "0 comments" in got.text


def test_nothing_is_left_out_of_a_mail_that_could_be_read_nowhere_else() -> None:
    text = "One.\n\nTwo.\n\nThree."
    whole = Item(headline="Here only", body_markdown=text)
    linked = Item(headline="On the site", body_markdown=text, url=samples.SITE)
    note = Note(text_markdown=text)
    document = Document(subject="x", blocks=[whole, linked, note])
    kept, has_left_out = fitting.fitted(document, None, lambda *_: False)
    assert not has_left_out
    assert kept.blocks[::2] == [whole, note]
    assert kept.blocks[1] == linked.model_copy(update={"body_markdown": "", "read_more": True})
