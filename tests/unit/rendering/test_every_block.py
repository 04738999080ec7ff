"""What each kind of block has to have, so that a new one cannot be half there."""

import re

import pytest

from service.rendering import blocks, body
from service.rendering.blocks import Document
from tests.support import block_samples, email_docs
from tests.unit.rendering import reading, samples

KINDS = sorted(blocks.KINDS)
ON_SHEET = [kind for kind in KINDS if kind != "masthead"]
_FIELDS_OF_NO_WORDS = {"kind", "url", "source_url", "article_uid", "language", "variant", "contact"}


def _only(kind: str) -> reading.Reading:
    document = Document(subject="One block", blocks=[block_samples.block(kind)])
    return reading.received(samples.with_document(document))


def _said(piece: object) -> list[str]:
    """The words a reader must find, without the marks of Markdown."""
    if isinstance(piece, dict):
        return [
            word for name, value in piece.items() if name not in _FIELDS_OF_NO_WORDS for word in _said(value)
        ]
    if isinstance(piece, list):
        return [word for value in piece for word in _said(value)]
    if isinstance(piece, str):
        return re.findall(r"\w{3,}", re.sub(r"\{\{.*?\}\}", "", piece))
    return []


def test_every_kind_has_a_sample_and_no_sample_is_of_another_kind() -> None:
    assert sorted(block_samples.written()) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_says_what_it_is_called_and_what_it_is_for(kind: str) -> None:
    found = blocks.KINDS[kind]
    assert getattr(found, "called", "")
    assert (found.__doc__ or "").endswith(".")


@pytest.mark.parametrize("kind", ON_SHEET)
def test_every_word_of_a_block_is_in_the_page_and_in_the_text(kind: str) -> None:
    got = _only(kind)
    shown = reading.words_of(reading.elements(got.html, "//body")[0])
    alts = " ".join(str(one.get("alt")) for one in reading.elements(got.html, "//img"))
    words = _said(block_samples.written()[kind])
    assert words
    assert [word for word in words if word not in f"{shown} {alts}"] == []
    assert [word for word in words if word not in got.text] == []


@pytest.mark.parametrize("kind", ON_SHEET)
def test_every_address_of_a_block_leads_somewhere(kind: str) -> None:
    block = block_samples.written()[kind]
    got = _only(kind)
    targets = {str(one.get("href")) for one in reading.elements(got.html, "//a")}
    for name in ("url", "source_url"):
        if name in block:
            assert block[name] in targets
            assert block[name] in got.text


@pytest.mark.parametrize("kind", ON_SHEET)
def test_the_page_on_the_web_has_the_block_too(kind: str) -> None:
    document = Document(subject="One block", blocks=[block_samples.block(kind)])
    html = body.web_page(samples.with_document(document), samples.TEMPLATES)
    shown = reading.words_of(reading.elements(f"<body>{html}</body>", "//body")[0])
    words = _said({k: v for k, v in block_samples.written()[kind].items() if k != "picture"})
    assert [word for word in words if word not in shown] == []


def test_a_sponsor_is_always_marked_in_the_newsletters_language() -> None:
    document = Document(subject="x", blocks=[block_samples.block("sponsor")])
    english = reading.received(samples.with_document(document))
    assert "Advertisement · " in english.text
    german = samples.in_language("de")
    got = reading.received(german.__class__(german.newsletter, document, german.date, german.web_url))
    assert "Anzeige · Presented by the Port Linden Credit Union" in got.text


def test_a_tip_line_may_be_a_mail_address_or_a_page() -> None:
    got = _only("tip_line")
    assert "mailto:tips@newsroom.example.org" in got.html
    page = blocks.TipLine(text_markdown="Write.", contact="https://tips.example.org/form")
    document = Document(subject="x", blocks=[page])
    assert 'href="https://tips.example.org/form"' in reading.received(samples.with_document(document)).html


@pytest.mark.parametrize(
    "contact", ["javascript:alert(1)", "tips@", "mailto:a@example.org", "@example.org", "a b@x.org"]
)
def test_a_tip_line_takes_no_other_address(contact: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        blocks.TipLine(text_markdown="Write.", contact=contact)


def test_an_edition_can_be_forwarded_without_the_readers_own_links() -> None:
    got = _only("note")
    (link,) = [
        str(one.get("href"))
        for one in reading.elements(got.html, "//a")
        if "Forward" in reading.words_of(one)
    ]
    assert link.startswith("mailto:?subject=Morning%20Memo%2C%20Wednesday")
    assert "2026-11-25" in link
    assert "unsubscribe" not in link


def test_the_way_to_a_readers_own_page_is_in_the_message_and_nowhere_else() -> None:
    got = _only("note")
    link = next(
        str(one.get("href"))
        for one in reading.elements(got.html, "//td[@class='foot']//a")
        if reading.words_of(one) == "Your preferences"
    )
    assert link == samples.PREFERENCES
    assert f"Your preferences:\n{samples.PREFERENCES}\n" in got.text
    content = samples.with_document(Document(subject="x", blocks=[block_samples.block("note")]))
    for page in (body.web_page, body.page_without_reader):
        assert "/preferences/" not in page(content, samples.TEMPLATES)


def test_the_catalogue_is_the_one_that_the_blocks_make() -> None:
    """`make email-docs` writes it anew, with its pictures."""
    assert (email_docs.FOLDER / "catalogue.md").read_text(encoding="utf-8") == email_docs.catalogue()
    pictures = {path.stem for path in (email_docs.FOLDER / "blocks").iterdir()}
    assert pictures == set(KINDS)
    shots = {path.stem for path in email_docs.FOLDER.glob("*.webp")}
    assert shots == {shot.name for shot in email_docs.SHOTS}


def test_entries_of_another_direction_keep_their_list_in_order() -> None:
    content = samples.in_language("ar")
    document = Document(subject="x", blocks=[block_samples.block("briefs"), block_samples.block("lead")])
    got = reading.received(content.__class__(content.newsletter, document, content.date, content.web_url))
    for entry in reading.elements(got.html, "//li"):
        assert entry.get("dir") is None
        assert [one.get("dir") for one in entry.iter("strong")] == ["ltr"]
    (late,) = reading.elements(got.html, "//td[@class='update']")
    assert (late.get("dir"), late.get("align")) == ("ltr", "left")
