"""A newsletter as its readers' pages see it: read in one go."""

import re
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from service.editions.models import Cadence, Edition, State
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.newsletters.publication import NewsletterNotFound
from service.public import masthead
from service.public.masthead import Masthead

_SLUG = re.compile(r"[a-z0-9-]{1,64}")
PUBLIC = (State.SENDING, State.SENT)


@dataclass(frozen=True)
class Latest:
    path: str
    date: date


@dataclass(frozen=True)
class Front:
    stored: Newsletter
    newsletter: Masthead
    appears: list[str]
    latest: Latest | None


def newsletter_of(session: Session, slug: str) -> Newsletter:
    if not _SLUG.fullmatch(slug):
        raise NewsletterNotFound
    return publication.get(session, slug)


def read(session: Session, slug: str) -> Front:
    newsletter = newsletter_of(session, slug)
    return Front(
        newsletter, masthead.of(newsletter), _appears(session, newsletter), _latest(session, newsletter)
    )


def edition_path(slug: str, edition: Edition) -> str:
    """The second edition of a day ends in -2."""
    return f"/n/{slug}/{edition.local_date.isoformat()}" + (f"-{edition.slot}" if edition.slot > 1 else "")


def _appears(session: Session, newsletter: Newsletter) -> list[str]:
    query = select(Cadence).where(Cadence.newsletter_id == newsletter.id).order_by(col(Cadence.slot))
    return [masthead.appears(cadence) for cadence in session.exec(query)]


def _latest(session: Session, newsletter: Newsletter) -> Latest | None:
    query = (
        select(Edition)
        .where(Edition.newsletter_id == newsletter.id, col(Edition.state).in_(PUBLIC))
        .order_by(col(Edition.local_date).desc(), col(Edition.slot).desc())
        .limit(1)
    )
    edition = session.exec(query).first()
    return Latest(edition_path(newsletter.slug, edition), edition.local_date) if edition else None
