"""Makes an edition from the articles that are new since the last one that left."""

from sqlmodel import Session

from service.articles import queries as articles
from service.articles.models import Article
from service.editions import composition, digest, latest, queries
from service.editions.digest import Frame
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.rendering.blocks import Brief, Document

MOST_ARTICLES = 200


def new_articles(session: Session, newsletter: Newsletter) -> list[Article]:
    """A period that was skipped is still covered: what counts is the last regular edition that left, and what no edition holds
    that left. From its making on, not from its leaving: what came in between could not be in it. An edition beside the regular
    ones uses up what it holds, and no more.
    """
    regular = [cadence.slot for cadence in queries.cadences_of(session, newsletter.id)]
    last = queries.last_out(session, newsletter.id, slots=regular)
    since = last.created_at if last is not None else None
    found = queries.unused_articles(session, newsletter.id, since=since, limit=MOST_ARTICLES)
    return digest.news(found, since=since)


def compose(session: Session, newsletter: Newsletter) -> Document | None:
    """What an edition made now would be; None if there is nothing new."""
    rules = publication.digest_rules(newsletter)
    new = new_articles(session, newsletter)
    section = digest.section_of(new, rules)
    newest = (
        articles.of_section(session, newsletter.id, section, limit=MOST_ARTICLES)
        if section and rules.latest_count
        else []
    )
    staff = composition.staff_block(newsletter)
    return digest.compose(new, Frame(newsletter.language, section, newest, staff), rules)


def latest_of(session: Session, newsletter: Newsletter, section: str, document: Document) -> list[Brief]:
    """The newest of a section that this document does not have yet, by the newsletter's own rules."""
    found = articles.of_section(session, newsletter.id, section, limit=MOST_ARTICLES)
    rules = publication.digest_rules(newsletter)
    return latest.briefs(found, rules, taken=latest.taken_in(document))
