"""Plain data that templates see."""

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple

from pydantic import BaseModel

from service.rendering import themes
from service.rendering.blocks import Document
from service.rendering.pictures import Known
from service.rendering.themes import Theme

WORDS_PER_MINUTE = 230  # silent reading of news prose by adults, rounded down
CHARACTERS_PER_MINUTE = 500  # Chinese and Japanese are counted in characters
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_CHARACTER = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_READ = {
    "headline",
    "deck",
    "body_markdown",
    "text_markdown",
    "quote_markdown",
    "text",
    "caption",
    "title",
    "heading",
    "value",
}


@dataclass(frozen=True)
class NewsletterFacts:
    name: str
    slug: str
    language: str
    direction: str
    from_name: str
    from_address: str
    reply_to: str | None
    list_id: str
    postal_address: str
    reason: str
    accent: str
    public_url: str
    theme: Theme = themes.USUAL
    template: str = ""  # the newsletter's own, around the blocks


@dataclass(frozen=True)
class EditionContent:
    newsletter: NewsletterFacts
    document: Document
    date: datetime.date
    web_url: str | None  # none where there is no page of it
    pictures: Known = field(default_factory=dict)  # what is shown for an address, where we have the picture

    @property
    def reading_minutes(self) -> int:
        text = "\n".join(_texts(self.document))
        characters = len(_CHARACTER.findall(text))
        words = len(_WORD.findall(_CHARACTER.sub(" ", text)))
        return max(1, ceil(words / WORDS_PER_MINUTE + characters / CHARACTERS_PER_MINUTE))


class Personal(NamedTuple):
    """What one reader's message differs in."""

    address: str
    greeting_name: str | None
    fields: Mapping[str, str]
    unsubscribe_url: str
    preferences_url: str
    number: int


def _texts(piece: BaseModel) -> Iterator[str]:
    for name in type(piece).model_fields:
        value = getattr(piece, name)
        if isinstance(value, str) and name in _READ:
            yield value
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, BaseModel):
                yield from _texts(inner)
