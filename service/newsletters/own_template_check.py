"""A newsletter's own template is tried on sample editions before it is kept."""

import datetime

from service.newsletters.details import NewsletterDetails
from service.rendering import body, direction, themes
from service.rendering.blocks import Document, Item, Masthead, Note, Sponsor
from service.rendering.content import EditionContent, NewsletterFacts
from service.settings import shipped

_DAY = datetime.date(2026, 11, 25)
_BLOCKS = (
    Note(text_markdown="A note."),
    Item(headline="A story", body_markdown="Its text.", url="https://example.org/story"),
    Sponsor(label="Who pays", text_markdown="Its words."),
)


def check(details: NewsletterDetails) -> None:
    """Raises FrameInvalid, with what to do about it, if it cannot be used for each kind of edition."""
    if not details.template:
        return
    daily = Document(subject="Sample", preheader="A line.", blocks=[Masthead(), *_BLOCKS])
    alert = Document(subject="Sample", blocks=[Masthead(variant="alert"), *_BLOCKS])
    weekend = Document(subject="Sample", blocks=[Masthead(variant="weekend"), *_BLOCKS])
    for document, web_url in (
        (daily, "https://example.org/n"),
        (alert, None),
        (weekend, "https://example.org/n"),
    ):
        content = EditionContent(_facts(details), document, _DAY, web_url)
        body.check_own_template(content, shipped("templates"))


def _facts(details: NewsletterDetails) -> NewsletterFacts:
    return NewsletterFacts(
        name=details.name,
        slug=details.slug,
        language=details.language,
        direction=direction.of_language(details.language),
        from_name=details.from_name,
        from_address=details.from_address,
        reply_to=details.reply_to,
        list_id=details.list_id,
        postal_address=details.postal_address,
        reason=details.reason,
        accent=details.accent,
        public_url="https://example.org",
        theme=themes.made(details.look),
        template=details.template,
    )
