"""What an edition says of itself where no reader is known: its title, a line about it, its picture."""

from service.rendering.blocks import Document, Item, Lead
from service.rendering.content import EditionContent
from service.rendering.fields import Marks

LINE_CHARACTERS = 300


def title(document: Document) -> str:
    return without_fields(document.subject)


def line(document: Document) -> str:
    """The preheader, or else the first headlines: for descriptions and the feed."""
    told = document.preheader.strip() or " · ".join(story.headline for story in _stories(document)[:4])
    plain = without_fields(told)
    return plain if len(plain) <= LINE_CHARACTERS else plain[: LINE_CHARACTERS - 1].rstrip() + "…"


def picture(content: EditionContent) -> str | None:
    """The address of the first story's picture that has one: ours, if we have it."""
    url = next((story.picture.url for story in _stories(content.document) if story.picture), None)
    ours = content.pictures.get(url) if url else None
    return ours.url if ours else url


def without_fields(text: str) -> str:
    """Places for a reader's own values show what they show when there is none."""
    marks = Marks("0" * 12)
    return marks.filled(marks.line(text, "attribute"), lambda hole: hole.default)


def _stories(document: Document) -> list[Lead | Item]:
    return [block for block in document.blocks if isinstance(block, Lead | Item)]
