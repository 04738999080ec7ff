import pytest

from service.desk import documents
from service.desk.documents import EditionHasChanged
from service.errors import Invalid
from service.rendering.blocks import Brief, Briefs, Document, Item, KeyGraph, Lead, Masthead

DOCUMENT = Document(
    subject="The ferry stays",
    preheader="And so does the bell",
    blocks=[
        Masthead(),
        Lead(headline="Council votes to keep the ferry"),
        Briefs(items=[Brief(headline="Rain at last"), Brief(headline="Two lighthouses")]),
    ],
)


def test_headlines_are_those_of_stories_and_briefs_in_reading_order() -> None:
    assert documents.headlines(DOCUMENT) == (
        "Council votes to keep the ferry",
        "Rain at last",
        "Two lighthouses",
    )


def test_a_block_moves_one_place_and_the_others_keep_theirs() -> None:
    moved = documents.moved(DOCUMENT, 2, -1)
    assert [block.kind for block in moved.blocks] == ["masthead", "briefs", "lead"]
    assert [block.kind for block in DOCUMENT.blocks] == ["masthead", "lead", "briefs"]


@pytest.mark.parametrize(("number", "step"), [(0, -1), (2, 1)])
def test_a_block_at_an_end_stays_there(number: int, step: int) -> None:
    moved = documents.moved(DOCUMENT, number, -1 if step < 0 else 1)
    assert moved.blocks == DOCUMENT.blocks


def test_a_block_that_is_not_there_any_more_is_a_conflict() -> None:
    with pytest.raises(EditionHasChanged):
        documents.without(DOCUMENT, 3)


def test_a_removed_block_is_gone() -> None:
    assert [block.kind for block in documents.without(DOCUMENT, 1).blocks] == ["masthead", "briefs"]


def test_lines_name_each_block_and_shorten_long_texts() -> None:
    document = Document(
        subject="x", blocks=[KeyGraph(quote_markdown="word " * 60), Item(headline="Rain at last")]
    )
    lines = documents.lines(document)
    assert [(line.kind, line.is_first, line.is_last) for line in lines] == [
        ("Key graph", True, False),
        ("Item", False, True),
    ]
    assert lines[0].text.endswith("…")
    assert len(lines[0].text) <= documents.EXCERPT_CHARACTERS


def test_a_line_break_in_a_subject_becomes_a_blank() -> None:
    words = documents.with_words(DOCUMENT, subject="One\r\nBcc: x@example.org", preheader="")
    assert "\n" not in words.subject
    assert words.blocks == DOCUMENT.blocks


@pytest.mark.parametrize(
    ("subject", "preheader", "field"),
    [("", "x", "subject"), ("x" * 400, "", "subject"), ("x", "y" * 400, "preheader")],
)
def test_words_that_do_not_fit_name_their_field(subject: str, preheader: str, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        documents.with_words(DOCUMENT, subject=subject, preheader=preheader)
    assert caught.value.field == field
    assert caught.value.message.startswith(field.capitalize())
