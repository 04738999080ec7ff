"""What a template sees of an edition."""

from sqlmodel import Session

from service.editions import composition, pictures, queries
from service.editions.models import Edition
from service.newsletters import publication, web
from service.newsletters.models import Newsletter
from service.rendering import direction
from service.rendering.content import EditionContent, NewsletterFacts


def of(session: Session, edition: Edition, *, base_url: str) -> EditionContent:
    newsletter = queries.newsletter_of(session, edition)
    document = composition.document_of(session, edition)
    return EditionContent(
        newsletter=facts(newsletter, base_url=base_url),
        document=document,
        date=edition.local_date,
        web_url=web.address(newsletter, edition.local_date, edition.slot, base_url=base_url),
        pictures=pictures.shown(session, edition, newsletter, document, base_url=base_url),
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
        template=publication.own_template(newsletter),
    )
