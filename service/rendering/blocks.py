"""The blocks of an edition, and the document they make: what an editor composes, what a version stores.

A block's docstring says at the desk and in the API what it is for; its macros of the same name are in `templates/email/_blocks.*`.
"""

import hashlib
import json
from typing import Annotated, ClassVar, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from service.rendering.pieces import (
    AnyAddress,
    Brief,
    Control,
    Event,
    Figure,
    LateUpdate,
    Line,
    Markdown,
    MaybeAddress,
    MaybeDeck,
    MaybeLanguage,
    MaybeLine,
    Person,
    Picture,
    Piece,
    WebAddress,
    one_line,
)

__all__ = [
    "Block", "Brief", "Briefs", "Comments", "Correction", "Document", "DocumentCard", "Event", "Events",
    "Figure", "HouseAd", "Item", "KeyGraph", "LateUpdate", "LateUpdateBlock", "LatestFromSection",
    "Lead", "Masthead", "Note", "Numbers", "Person", "Picture", "PictureBlock", "Piece", "Sponsor",
    "Staff", "Story", "TipLine",
]  # fmt: skip

SUBJECT_CHARACTERS = 300
PREHEADER_CHARACTERS = 200
BLOCKS = 200


class Masthead(Piece):
    """The newsletter's name with the date and the reading time. It always stands first, and an edition has one."""

    called: ClassVar[str] = "Masthead"
    kind: Literal["masthead"] = "masthead"
    variant: Literal["daily", "alert", "weekend"] = "daily"


class Note(Piece):
    """A short word from the editor, as in a letter. Sign it."""

    called: ClassVar[str] = "Note from the editor"
    kind: Literal["note"] = "note"
    text_markdown: Markdown


class _Story(Piece):
    kicker: MaybeLine = Field(default=None, description="A word or two above the headline.")
    headline: Line
    deck: MaybeDeck = Field(default=None, description="One sentence that adds to the headline.")
    body_markdown: Markdown = Field(default="", title="Text")
    byline: MaybeLine = None
    url: MaybeAddress = Field(default=None, title="Address of the article")
    read_more: bool = Field(default=False, title="End with “Read on the site”")
    picture: Picture | None = None
    late_updates: list[LateUpdate] = Field(default_factory=list, max_length=20)
    article_uid: Annotated[MaybeLine, Control("kept")] = None
    language: MaybeLanguage = Field(
        default=None, description="Only if it is not the newsletter's, for example fr."
    )


class Lead(_Story):
    """The story of the day, with the largest headline."""

    called: ClassVar[str] = "Lead"
    kind: Literal["lead"] = "lead"


class Item(_Story):
    """A story: whole, or its opening with a link to the rest."""

    called: ClassVar[str] = "Item"
    kind: Literal["item"] = "item"


class KeyGraph(Piece):
    """The paragraph that everybody will quote, with who said it and where."""

    called: ClassVar[str] = "Key graph"
    kind: Literal["key_graph"] = "key_graph"
    quote_markdown: Markdown = Field(title="Quote")
    speaker: MaybeLine = None
    outlet: MaybeLine = Field(default=None, title="Where it was said or printed")
    source_url: MaybeAddress = Field(default=None, title="Address of the source")


class Briefs(Piece):
    """Several short pieces of news in one list."""

    called: ClassVar[str] = "Briefs"
    kind: Literal["briefs"] = "briefs"
    heading: MaybeLine = None
    numbered: bool = False
    items: list[Brief] = Field(min_length=1, max_length=100)


class DocumentCard(Piece):
    """A court paper, a budget, a letter: the document itself, to be opened."""

    called: ClassVar[str] = "Document"
    kind: Literal["document_card"] = "document_card"
    title: Line
    url: WebAddress = Field(title="Address of the document")
    caption: MaybeDeck = None
    source: MaybeLine = None


class LatestFromSection(Piece):
    """The newest articles of one section, as links."""

    called: ClassVar[str] = "Latest from a section"
    kind: Literal["latest_from_section"] = "latest_from_section"
    section: Line
    items: list[Brief] = Field(min_length=1, max_length=100)
    url: MaybeAddress = Field(default=None, title="Address of the section")


class LateUpdateBlock(Piece):
    """What happened after the edition was made."""

    called: ClassVar[str] = "Late update"
    kind: Literal["late_update"] = "late_update"
    headline: MaybeLine = None
    text_markdown: Markdown


class Correction(Piece):
    """What an earlier edition had wrong, and what is right."""

    called: ClassVar[str] = "Correction"
    kind: Literal["correction"] = "correction"
    headline: MaybeLine = None
    text_markdown: Markdown = Field(min_length=1)
    url: MaybeAddress = Field(default=None, title="Address of the corrected text")


class Numbers(Piece):
    """Two to five numbers that tell a story."""

    called: ClassVar[str] = "By the numbers"
    kind: Literal["numbers"] = "numbers"
    heading: MaybeLine = None
    items: list[Figure] = Field(min_length=1, max_length=20, title="Numbers")
    source: MaybeLine = None
    source_url: MaybeAddress = Field(default=None, title="Address of the source")


class PictureBlock(Piece):
    """A chart or a picture that stands on its own."""

    called: ClassVar[str] = "Chart or picture"
    kind: Literal["picture"] = "picture"
    headline: MaybeLine = None
    picture: Picture
    url: MaybeAddress = Field(default=None, title="Where the picture leads")


class Events(Piece):
    """What is coming up, and where."""

    called: ClassVar[str] = "Events"
    kind: Literal["events"] = "events"
    heading: MaybeLine = None
    items: list[Event] = Field(min_length=1, max_length=50, title="Events")


class Comments(Piece):
    """How many readers talk about a story, and the way to them."""

    called: ClassVar[str] = "Comments"
    kind: Literal["comments"] = "comments"
    url: WebAddress = Field(title="Address of the comments")
    count: int = Field(ge=0, title="How many there are")
    headline: MaybeLine = Field(default=None, title="Headline of the story")


class TipLine(Piece):
    """How readers reach the newsroom with what they know."""

    called: ClassVar[str] = "Tip line"
    kind: Literal["tip_line"] = "tip_line"
    text_markdown: Markdown = Field(min_length=1)
    contact: AnyAddress = Field(title="Mail or web address to write to")


class Staff(Piece):
    """Who makes the newsletter."""

    called: ClassVar[str] = "Staff"
    kind: Literal["staff"] = "staff"
    people: list[Person] = Field(min_length=1, max_length=100)


class Sponsor(Piece):
    """Paid content. It is always marked as an advertisement, in the newsletter's language, and says who pays."""

    called: ClassVar[str] = "Sponsor"
    kind: Literal["sponsor"] = "sponsor"
    label: Line = Field(title="Who pays", description="As it is to be read: Presented by …")
    headline: MaybeLine = None
    text_markdown: Markdown
    picture: Picture | None = None
    url: MaybeAddress = None


class HouseAd(Piece):
    """A word for our own: a membership, another newsletter, an event."""

    called: ClassVar[str] = "House ad"
    kind: Literal["house_ad"] = "house_ad"
    headline: Line
    text_markdown: Markdown = ""
    button: Line = Field(title="Words on the button", description="What happens then: Become a member.")
    url: WebAddress


Story: TypeAlias = Lead | Item
Block = Annotated[
    Masthead
    | Note
    | Lead
    | Item
    | KeyGraph
    | Briefs
    | LatestFromSection
    | LateUpdateBlock
    | Correction
    | DocumentCard
    | Numbers
    | PictureBlock
    | Events
    | Sponsor
    | HouseAd
    | Comments
    | TipLine
    | Staff,
    Field(discriminator="kind"),
]
KINDS: dict[str, type[Piece]] = {
    one.model_fields["kind"].default: one for one in get_args(get_args(Block)[0])
}


class Document(Piece):
    """An edition's blocks with what an inbox shows of it."""

    subject: Annotated[
        str,
        BeforeValidator(one_line),
        StringConstraints(min_length=1, max_length=SUBJECT_CHARACTERS),
    ]
    preheader: Annotated[
        str, BeforeValidator(one_line), StringConstraints(max_length=PREHEADER_CHARACTERS)
    ] = ""
    blocks: list[Block] = Field(default_factory=list, max_length=BLOCKS)

    @model_validator(mode="after")
    def _one_masthead(self) -> "Document":
        if sum(isinstance(block, Masthead) for block in self.blocks) > 1:
            raise ValueError("an edition has one masthead: remove the others")
        return self

    def canonical_json(self) -> str:
        """The same document always gives the same text: sorted keys, no blanks, nothing left out."""
        values = self.model_dump(mode="json")
        return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    def sha256(self) -> str:
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()


_WRITTEN = (Note, LateUpdateBlock, Correction, Sponsor, HouseAd, TipLine, Events, Numbers, PictureBlock)


def takes_fields(block: Block) -> bool:
    """Whether a block was written at the desk, so that personal fields in it are meant; text from articles is only text."""
    return block.article_uid is None if isinstance(block, Lead | Item) else isinstance(block, _WRITTEN)


def may_take_fields(kind: type[Piece]) -> bool:
    return issubclass(kind, (Lead, Item, *_WRITTEN))
