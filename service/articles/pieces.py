"""What a newsroom's article holds beside its text."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KeyGraph:
    quote_markdown: str
    speaker: str | None
    outlet: str | None
    source_url: str | None


@dataclass(frozen=True)
class Picture:
    url: str
    alt: str
    caption: str
    credit: str


@dataclass(frozen=True)
class Document:
    title: str
    url: str
    caption: str


@dataclass(frozen=True)
class LateUpdate:
    heading: str
    text_markdown: str
