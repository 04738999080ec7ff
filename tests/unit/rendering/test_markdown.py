import html

import pytest

from service.rendering import body, markdown, plaintext
from service.rendering.blocks import Document, Item, Note
from service.rendering.fields import Hole, Marks
from tests.unit.rendering import reading, samples

MARKS = Marks("0123456789ab")
FOREIGN = [
    "{{ 7*7 }}",
    "{% if %}",
    "{% raw %}",
    "{{ config }}",
    "{{ ''.__class__ }}",
    "{#",
    "%recipient%",
    "*|FNAME|*",
    "$name",
    "{{last_name|x}}",
    "{{unsubscribe_url}}",
]


@pytest.mark.parametrize("text", FOREIGN)
def test_nb_43_other_templates_arrive_as_the_same_characters(text: str) -> None:
    line = f"See {text} here"
    document = Document(
        subject=line,
        preheader=line,
        blocks=[Note(text_markdown=line), Item(headline=line, body_markdown=line, article_uid="a")],
    )
    reader = samples.named_reader(text)
    content = samples.with_document(document)
    got = reading.received(content, reader)
    assert got.header("Subject") == line
    assert got.text.count(line) == 4
    assert html.unescape(got.html).count(line) >= 5
    assert html.unescape(body.web_page(content, samples.TEMPLATES)).count(line) == 3


@pytest.mark.parametrize("text", [*FOREIGN, "{{first_name|other}}"])
def test_nb_43_a_value_is_never_read_again_as_syntax(text: str) -> None:
    got = reading.received(samples.CONTENT, samples.named_reader(text))
    assert got.header("Subject") == f"Good morning, {text}: the ferry stays"
    assert f"Good morning, {text}." in " ".join(got.text.split())


def test_nb_43_a_field_in_an_article_is_text() -> None:
    item = Item(
        headline="Write {{first_name|you}}", body_markdown="Use {{first_name|you}}.", article_uid="a-1"
    )
    got = reading.received(samples.with_document(Document(subject="x", blocks=[item])))
    assert "Write {{first_name|you}}" in got.text
    assert "Use {{first_name|you}}." in got.html
    assert "Marta" not in got.html


def test_nb_43_a_mark_written_by_hand_is_text() -> None:
    item = Item(headline="zq0123456789abt0000zq", article_uid="a-1")
    assert (
        "zq0123456789abt0000zq"
        in reading.received(samples.with_document(Document(subject="x", blocks=[item]))).text
    )


def test_fields_become_holes_with_their_default() -> None:
    marked = MARKS.text("Hello {{ first_name | dear reader }}, {{first_name}}!")
    assert MARKS.split(marked) == (
        "Hello ",
        Hole("first_name", "dear reader", "text"),
        ", ",
        Hole("first_name", "", "text"),
        "!",
    )


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "JAVASCRIPT:x", "data:text/html,x", "vbscript:x", "/relative", "file:///etc"],
)
def test_a_forbidden_link_leaves_its_words(address: str) -> None:
    assert markdown.to_html(f"[words]({address}) stay", MARKS) == '<p class="p end">words stay</p>\n'
    assert plaintext.of_markdown(f"[words]({address}) stay", MARKS) == "words stay"


@pytest.mark.parametrize("address", ["http://x.example/a.png", "data:image/png;base64,AAAA", "/a.png"])
def test_a_picture_comes_over_https_or_not_at_all(address: str) -> None:
    assert "<img" not in markdown.to_html(f"![alt]({address})", MARKS)


def test_a_picture_is_kept_to_the_column() -> None:
    made = markdown.to_html("![A boat](https://x.example/a.png)", MARKS)
    assert 'src="https://x.example/a.png"' in made
    assert f'width="{markdown.COLUMN}"' in made
    assert 'alt="A boat"' in made


def test_html_in_a_text_is_text() -> None:
    assert markdown.to_html("<script>x</script> & <b>", MARKS) == (
        '<p class="p end">&lt;script&gt;x&lt;/script&gt; &amp; &lt;b&gt;</p>\n'
    )


def test_headings_stay_below_the_items() -> None:
    made = markdown.to_html("# One\n\n## Two\n\n### Three", MARKS)
    assert [tag for tag in ("<h1", "<h2", "<h3", "<h4") if tag in made] == ["<h3", "<h4"]


def test_the_text_is_wrapped_and_its_links_are_numbered() -> None:
    source = (
        "A first paragraph with a [link that has several words](https://example.org/a?b=1&c=2) and *stress* that goes on "
        "until it has to be wrapped.\n\n1. one [again](https://example.org/a?b=1&c=2)\n2. two\n   - inner\n\n> quoted\n\n"
        "```\ncode  stays\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n\n<https://example.org/bare>"
    )
    assert plaintext.of_markdown(source, MARKS) == (
        "A first paragraph with a link that has several words [1] and stress that\n"
        "goes on until it has to be wrapped.\n\n"
        "1. one again [1]\n2. two\n   - inner\n\n    quoted\n\n    code  stays\n\na | b\n1 | 2\n\n* * *\n\n"
        "https://example.org/bare\n\n[1] https://example.org/a?b=1&c=2"
    )


def test_the_opening_of_a_text_ends_at_a_paragraph() -> None:
    source = "One.\n\n- a\n- b\n\nThree."
    assert markdown.opening(source, 2) == ("One.\n\n- a\n- b", True)
    assert markdown.opening(source, 3) == (source, False)
    assert markdown.opening(source, 0) == ("", True)
