"""What a template sees of an edition."""

from datetime import date

from sqlmodel import Session

from service.editions import composition, queries
from service.editions.models import Edition
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.rendering import direction
from service.rendering.content import EditionContent, NewsletterFacts


def of(session: Session, edition: Edition, *, base_url: str) -> EditionContent:
    newsletter = queries.newsletter_of(session, edition)
    return EditionContent(
        newsletter=facts(newsletter, base_url=base_url),
        document=composition.document_of(session, edition),
        date=edition.local_date,
        web_url=web_url(newsletter.slug, edition.local_date, edition.slot, base_url=base_url),
    )


def facts(newsletter: Newsletter, *, base_url: str) -> NewsletterFacts:
    return NewsletterFacts(
        name=newsletter.name,
        slug=newsletter.slug,
        language=newsletter.language,
        direction=direction.of_language(newsletter.language),
        from_name=newsletter.from_name,
        from_address=newsletter.from_address,
        reply_to=newsletter.reply_to,
        list_id=newsletter.list_id,
        postal_address=newsletter.postal_address,
        reason=publication.reason(newsletter),
        accent=newsletter.accent,
        public_url=f"{base_url.rstrip('/')}/n/{newsletter.slug}",
        theme=publication.theme(newsletter),
    )


def web_url(slug: str, local_date: date, slot: int, *, base_url: str) -> str:
    return f"{base_url.rstrip('/')}/n/{slug}/{date_path(local_date, slot)}"


def date_path(local_date: date, slot: int) -> str:
    """The second edition of a day ends in -2."""
    return local_date.isoformat() + (f"-{slot}" if slot > 1 else "")
