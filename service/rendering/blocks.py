"""The blocks of an edition, and the document they make: what an editor composes, what a version stores."""

import hashlib
import json
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from service.rendering import characters, links

SUBJECT_CHARACTERS = 300
PREHEADER_CHARACTERS = 200
BODY_CHARACTERS = 200_000
BLOCKS = 200


def _one_line(value: object) -> object:
    return characters.single_line(value) if isinstance(value, str) else value


def _many_lines(value: object) -> object:
    return characters.paragraphs(value) if isinstance(value, str) else value


def _web_address(value: str) -> str:
    if not links.is_web(value):
        raise ValueError("give a full web address that begins with https:// or http://")
    return links.as_uri(value)


def _language(value: str) -> str:
    return value.replace("_", "-")


def _maybe_blank(value: object) -> object:
    return None if isinstance(value, str) and not characters.single_line(value) else value


Line: TypeAlias = Annotated[str, BeforeValidator(_one_line), StringConstraints(min_length=1, max_length=500)]
Deck: TypeAlias = Annotated[str, BeforeValidator(_one_line), StringConstraints(min_length=1, max_length=2000)]
Markdown: TypeAlias = Annotated[
    str, BeforeValidator(_many_lines), StringConstraints(max_length=BODY_CHARACTERS)
]
WebAddress: TypeAlias = Annotated[
    str, BeforeValidator(_one_line), StringConstraints(max_length=2000), AfterValidator(_web_address)
]
Language: TypeAlias = Annotated[
    str,
    AfterValidator(_language),
    StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$", max_length=35),
]
MaybeLine: TypeAlias = Annotated[Line | None, BeforeValidator(_maybe_blank)]
MaybeDeck: TypeAlias = Annotated[Deck | None, BeforeValidator(_maybe_blank)]
MaybeAddress: TypeAlias = Annotated[WebAddress | None, BeforeValidator(_maybe_blank)]
MaybeLanguage: TypeAlias = Annotated[Language | None, BeforeValidator(_maybe_blank)]


class Piece(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Picture(Piece):
    # An empty alt says that the picture is decorative (WCAG 2.2 SC 1.1.1), so it has to be given either way.
    url: WebAddress
    alt: Annotated[str, BeforeValidator(_one_line), StringConstraints(max_length=1000)]
    caption: MaybeDeck = None
    credit: MaybeLine = None
    width: int | None = Field(default=None, ge=1, le=20_000)
    height: int | None = Field(default=None, ge=1, le=20_000)


class LateUpdate(Piece):
    heading: MaybeLine = None
    text_markdown: Markdown


class Brief(Piece):
    headline: Line
    text: MaybeDeck = None
    url: MaybeAddress = None


class Person(Piece):
    name: Line
    role: MaybeLine = None


class Masthead(Piece):
    kind: Literal["masthead"] = "masthead"
    variant: Literal["daily", "alert", "weekend"] = "daily"


class Note(Piece):
    kind: Literal["note"] = "note"
    text_markdown: Markdown


class _Story(Piece):
    headline: Line
    kicker: MaybeLine = None
    deck: MaybeDeck = None
    body_markdown: Markdown = ""
    byline: MaybeLine = None
    url: MaybeAddress = None
    article_uid: MaybeLine = None
    picture: Picture | None = None
    read_more: bool = False
    late_updates: list[LateUpdate] = Field(default_factory=list, max_length=20)
    # The article's own language, where it is known and may differ from the newsletter's.
    language: MaybeLanguage = None


class Lead(_Story):
    kind: Literal["lead"] = "lead"


class Item(_Story):
    kind: Literal["item"] = "item"


class KeyGraph(Piece):
    kind: Literal["key_graph"] = "key_graph"
    quote_markdown: Markdown
    speaker: MaybeLine = None
    outlet: MaybeLine = None
    source_url: MaybeAddress = None


class Briefs(Piece):
    kind: Literal["briefs"] = "briefs"
    heading: MaybeLine = None
    numbered: bool = False
    items: list[Brief] = Field(min_length=1, max_length=100)


class DocumentCard(Piece):
    kind: Literal["document_card"] = "document_card"
    title: Line
    url: WebAddress
    caption: MaybeDeck = None
    source: MaybeLine = None


class LatestFromSection(Piece):
    kind: Literal["latest_from_section"] = "latest_from_section"
    section: Line
    items: list[Brief] = Field(min_length=1, max_length=100)
    url: MaybeAddress = None


class LateUpdateBlock(Piece):
    kind: Literal["late_update"] = "late_update"
    text_markdown: Markdown
    headline: MaybeLine = None


class Comments(Piece):
    kind: Literal["comments"] = "comments"
    url: WebAddress
    count: int = Field(ge=0)
    headline: MaybeLine = None


class Staff(Piece):
    kind: Literal["staff"] = "staff"
    people: list[Person] = Field(min_length=1, max_length=100)


class Sponsor(Piece):
    # Paid content is always labelled; there is no sponsor block without a label.
    kind: Literal["sponsor"] = "sponsor"
    label: Line
    text_markdown: Markdown
    url: MaybeAddress = None


Story: TypeAlias = Lead | Item
Block = Annotated[
    Masthead
    | Note
    | Lead
    | Item
    | KeyGraph
    | Briefs
    | DocumentCard
    | LatestFromSection
    | LateUpdateBlock
    | Comments
    | Staff
    | Sponsor,
    Field(discriminator="kind"),
]


class Document(Piece):
    """An edition's blocks with what an inbox shows of it."""

    subject: Annotated[
        str, BeforeValidator(_one_line), StringConstraints(min_length=1, max_length=SUBJECT_CHARACTERS)
    ]
    preheader: Annotated[
        str, BeforeValidator(_one_line), StringConstraints(max_length=PREHEADER_CHARACTERS)
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


def takes_fields(block: Block) -> bool:
    """Whether a block was written at the desk, so that personal fields in it are meant; text from articles is only text."""
    if isinstance(block, Lead | Item):
        return block.article_uid is None
    return isinstance(block, Note | LateUpdateBlock | Sponsor)
