import pytest
from pydantic import TypeAdapter

from service.desk import documents, fields
from service.desk.documents import BlockHasChanged
from service.desk.fields import BlockInvalid, Field, Group
from service.errors import Invalid
from service.rendering import blocks
from service.rendering.blocks import Briefs, Document, Item, Masthead, Note, Staff
from tests.support import block_samples

KINDS = sorted(blocks.KINDS)


def as_sent(asked: tuple[fields.Asked, ...]) -> dict[str, str]:
    """What a browser would send of a form that was only looked at."""
    sent: dict[str, str] = {}
    for one in asked:
        if isinstance(one, Group):
            sent |= as_sent(one.fields) | as_sent(one.rows)
        elif one.control != "switch" or one.value:
            sent[one.name] = one.value
    return sent


def _named(asked: tuple[fields.Asked, ...], name: str) -> Field:
    (found,) = [one for one in asked if isinstance(one, Field) and one.name == name]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_that_is_opened_and_saved_is_the_same_block(kind: str) -> None:
    block = block_samples.block(kind)
    before = block.model_dump(mode="json")
    sent = as_sent(fields.asked(type(block), before, {}, spare=2))
    again = fields.read(type(block), fields.kept(type(block), fields.typed(type(block), sent), before))
    assert again == block


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_form_says_field_by_field_what_is_needed(kind: str) -> None:
    found = blocks.KINDS[kind]
    sent = as_sent(fields.asked(found, {}, {}, spare=3))
    needed = {name for name, info in found.model_fields.items() if info.is_required()}
    try:
        fields.read(found, fields.typed(found, sent))
    except BlockInvalid as error:
        assert {name.partition(".")[0] for name in error.problems} <= needed
        assert all(text[0].isupper() and text.endswith(".") for text in error.problems.values())
        asked = fields.asked(found, fields.typed(found, sent), error.problems, spare=3)
        shown = [one.problem for one in asked if one.problem]
        shown += [
            one.problem for group in asked if isinstance(group, Group) for one in group.fields if one.problem
        ]
        assert sorted(shown) == sorted(error.problems.values())
    else:
        assert needed <= {"text_markdown", "quote_markdown"}


def test_a_row_that_is_left_empty_is_left_out_and_a_wrong_one_keeps_its_place() -> None:
    sent = {
        "items.0.headline": " ",
        "items.1.headline": "Rain",
        "items.7.url": "ftp://x",
        "items.7.headline": "Sun",
    }
    values = fields.typed(Briefs, sent)
    assert [row["headline"] for row in values["items"]] == ["Rain", "Sun"]
    with pytest.raises(BlockInvalid) as caught:
        fields.read(Briefs, values)
    assert caught.value.problems == {
        "items.1.url": "Give a full web address that begins with https:// or http://."
    }
    assert caught.value.field == "items.1.url"


def test_a_picture_keeps_its_size_only_while_it_is_the_same_picture() -> None:
    block = block_samples.block("picture")
    before = block.model_dump(mode="json")
    sent = as_sent(fields.asked(type(block), before, {}))
    same = fields.kept(type(block), fields.typed(type(block), sent | {"picture.alt": "Cranes"}), before)
    assert (same["picture"]["alt"], same["picture"]["width"]) == ("Cranes", 1200)
    other = sent | {"picture.url": "https://newsroom.example.org/other.jpg"}
    assert "width" not in fields.kept(type(block), fields.typed(type(block), other), before)["picture"]


def test_an_article_stays_known_when_its_item_is_edited() -> None:
    item = Item(headline="Rain at last", article_uid="0198c7a2", read_more=True)
    before = item.model_dump(mode="json")
    sent = as_sent(fields.asked(Item, before, {})) | {"headline": "Rain"}
    del sent["read_more"]
    assert "article_uid" not in sent
    again = fields.read(Item, fields.kept(Item, fields.typed(Item, sent), before))
    assert again == item.model_copy(update={"headline": "Rain", "read_more": False})


@pytest.mark.parametrize(
    ("kind", "name", "value", "says"),
    [
        ("comments", "count", "many", "whole number"),
        ("comments", "count", "-1", "whole number"),
        ("item", "language", "french!", "language tag"),
        ("item", "headline", "x" * 600, "500 characters fit"),
        ("tip_line", "contact", "the newsroom", "https://"),
    ],
)
def test_what_cannot_be_used_is_said_in_plain_words(kind: str, name: str, value: str, says: str) -> None:
    block = block_samples.block(kind)
    sent = as_sent(fields.asked(type(block), block.model_dump(mode="json"), {})) | {name: value}
    with pytest.raises(BlockInvalid) as caught:
        fields.read(type(block), fields.typed(type(block), sent))
    assert list(caught.value.problems) == [name]
    assert says in caught.value.problems[name]


def test_labels_are_words_and_hints_belong_to_their_fields() -> None:
    asked = fields.asked(Item, {}, {})
    assert _named(asked, "body_markdown").label == "Text"
    assert _named(asked, "headline").is_needed
    assert not _named(asked, "deck").is_needed
    assert _named(asked, "deck").hint.startswith("One sentence")


def test_a_block_is_added_before_who_makes_it_and_found_again_where_it_was_moved() -> None:
    document = Document(
        subject="x",
        blocks=[Masthead(), Note(text_markdown="Hello"), Staff.model_validate({"people": [{"name": "Bea"}]})],
    )
    at = documents.usual_place(document, Item)
    added = documents.with_block(document, Item(headline="Rain"), at)
    assert [block.kind for block in added.blocks] == ["masthead", "note", "item", "staff"]
    was = documents.mark(added.blocks[2])
    moved = documents.moved(added, 2, -1)
    assert documents.marked(moved, 2, was) == 1
    changed = documents.with_changed(moved, 1, Item(headline="Sun"))
    with pytest.raises(BlockHasChanged):
        documents.marked(changed, 1, was)


def test_a_second_masthead_and_too_many_blocks_say_so() -> None:
    document = Document(subject="x", blocks=[Masthead()])
    with pytest.raises(Invalid, match="one masthead"):
        documents.with_block(document, Masthead(), 0)
    full = Document(subject="x", blocks=[Note(text_markdown="x")] * 200)
    with pytest.raises(Invalid, match="200"):
        documents.with_block(full, Note(text_markdown="x"), 200)


def test_every_sample_is_of_the_shape_that_the_api_takes() -> None:
    adapter: TypeAdapter[Document] = TypeAdapter(Document)
    given = [{"kind": kind, **values} for kind, values in block_samples.written().items()]
    assert len(adapter.validate_python({"subject": "x", "blocks": given}).blocks) == len(KINDS)
