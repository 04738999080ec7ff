import pytest
from pydantic import TypeAdapter, ValidationError

from service.rendering.blocks import Block, Brief, Document, Item, Note, Picture
from tests.unit.rendering import reading, samples

BROKEN = ["Big\n  news", "a\rBcc: x@example.org", "a\u2028b", "a\u000bb", "a\u0085b", "a\x00b"]


@pytest.mark.parametrize("title", BROKEN)
def test_nb_19_a_broken_title_becomes_one_line_and_is_sent(title: str) -> None:
    document = Document(
        subject=title,
        preheader=title,
        blocks=[Item(headline=title, kicker=title, byline=title, body_markdown=title)],
    )
    one_line = "Big news" if title.startswith("Big") else title[0] + " " + title[2:]
    assert document.subject == document.preheader == one_line
    got = reading.received(samples.with_document(document))
    assert got.header("Subject") == one_line
    assert "Bcc" not in got.headers
    assert one_line in got.text


def test_nb_19_a_broken_newsletter_name_does_not_reach_a_header() -> None:
    content = samples.named("Big\n  news\r\nBcc: x@example.org")
    got = reading.received(content)
    assert got.header("From") == '"Big news Bcc: x@example.org" <memo@news.example.org>'
    assert "Bcc" not in got.headers


def test_half_a_character_in_a_title_is_marked() -> None:
    assert Item(headline="x \ud83d y").headline == "x \ufffd y"


def test_what_a_block_does_not_know_is_refused() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Block).validate_python({"kind": "note", "text_markdown": "x", "colour": "red"})
    with pytest.raises(ValidationError):
        TypeAdapter(Block).validate_python({"kind": "poll", "text_markdown": "x"})


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://x.example/",
        "//x.example/",
        "https://",
        "https://a b/",
    ],
)
def test_an_address_must_be_a_web_address(url: str) -> None:
    with pytest.raises(ValidationError):
        Brief(headline="x", url=url)
    with pytest.raises(ValidationError):
        Picture(url=url, alt="")


def test_an_address_in_its_own_script_is_spelled_in_ascii() -> None:
    brief = Brief(headline="x", url="https://bücher.example/straße?q=ü&a=%20")
    assert brief.url == "https://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%BC&a=%20"


def test_blank_is_the_same_as_not_given() -> None:
    item = Item(headline="x", kicker="  ", url="", byline="\n")
    assert (item.kicker, item.url, item.byline) == (None, None, None)


def test_there_is_one_masthead() -> None:
    masthead = {"kind": "masthead"}
    with pytest.raises(ValidationError):
        Document.model_validate({"subject": "x", "blocks": [masthead, masthead]})


def test_the_hash_follows_the_content_and_nothing_else() -> None:
    same = Document.model_validate_json(samples.RICH.canonical_json())
    assert same == samples.RICH
    assert same.sha256() == samples.RICH.sha256()
    assert same.model_copy(update={"subject": "Other"}).sha256() != same.sha256()


def test_nb_68_a_picture_of_three_megabytes_in_the_text_is_dropped() -> None:
    picture = f"![chart](data:image/png;base64,{'A' * 3_000_000})"
    assert Note(text_markdown=f"before {picture} after").text_markdown == "before  after"
