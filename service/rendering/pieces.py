"""What blocks are made of: texts that are cleaned on the way in, addresses that are checked, and small pieces such as a picture."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from service.rendering import characters, links

BODY_CHARACTERS = 200_000


@dataclass(frozen=True)
class Control:
    """How a form asks for a value. `kept`: not asked for, it stays what it was."""

    kind: Literal["line", "lines", "markdown", "address", "picture", "kept"]


def one_line(value: object) -> object:
    return characters.single_line(value) if isinstance(value, str) else value


def _many_lines(value: object) -> object:
    return characters.paragraphs(value) if isinstance(value, str) else value


def _web_address(value: str) -> str:
    if not links.is_web(value):
        raise ValueError("give a full web address that begins with https:// or http://")
    return links.as_uri(value)


def _web_or_mail_address(value: str) -> str:
    return value if links.is_mail(value) else _web_address(value)


def _language(value: str) -> str:
    return value.replace("_", "-")


def _maybe_blank(value: object) -> object:
    return None if isinstance(value, str) and not characters.single_line(value) else value


Line: TypeAlias = Annotated[
    str, BeforeValidator(one_line), StringConstraints(min_length=1, max_length=500), Control("line")
]
Deck: TypeAlias = Annotated[
    str, BeforeValidator(one_line), StringConstraints(min_length=1, max_length=2000), Control("lines")
]
Alt: TypeAlias = Annotated[
    str, BeforeValidator(one_line), StringConstraints(max_length=1000), Control("lines")
]
Markdown: TypeAlias = Annotated[
    str, BeforeValidator(_many_lines), StringConstraints(max_length=BODY_CHARACTERS), Control("markdown")
]
WebAddress: TypeAlias = Annotated[
    str,
    BeforeValidator(one_line),
    StringConstraints(max_length=2000),
    AfterValidator(_web_address),
    Control("address"),
]
AnyAddress: TypeAlias = Annotated[
    str,
    BeforeValidator(one_line),
    StringConstraints(max_length=2000),
    AfterValidator(_web_or_mail_address),
    Control("line"),
]
Language: TypeAlias = Annotated[
    str,
    AfterValidator(_language),
    StringConstraints(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$", max_length=35),
]
MaybeLine: TypeAlias = Annotated[Line | None, BeforeValidator(_maybe_blank), Control("line")]
MaybeDeck: TypeAlias = Annotated[Deck | None, BeforeValidator(_maybe_blank), Control("lines")]
MaybeAddress: TypeAlias = Annotated[WebAddress | None, BeforeValidator(_maybe_blank), Control("address")]
MaybeLanguage: TypeAlias = Annotated[Language | None, BeforeValidator(_maybe_blank), Control("line")]


class Piece(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Picture(Piece):
    # An empty alt makes a picture decorative (WCAG 2.2 SC 1.1.1), so it has to be given either way, and decoration is said.
    url: Annotated[WebAddress, Control("picture")] = Field(title="Address of the picture")
    alt: Alt = Field(title="What it shows", description="In a sentence, for readers who do not see it.")
    decorative: bool = Field(
        default=False, title="Mere decoration: nobody misses anything who does not see it"
    )
    caption: MaybeDeck = None
    credit: MaybeLine = None
    width: Annotated[int | None, Control("kept")] = Field(default=None, ge=1, le=20_000)
    height: Annotated[int | None, Control("kept")] = Field(default=None, ge=1, le=20_000)


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


class Figure(Piece):
    value: Line = Field(
        title="Number", max_length=40, description="As it is to be read: 5 to 4, $212,000, 41 %."
    )
    text: Deck = Field(title="What it counts")


class Event(Piece):
    title: Line
    moment: Line = Field(title="When", description="In your own words: Friday, 28 November, 7 p.m.")
    place: MaybeLine = None
    text: MaybeDeck = None
    url: MaybeAddress = None
