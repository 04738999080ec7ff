"""A newsletter as its readers' pages see it: read in one go."""

import re
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from service.editions import queries
from service.editions.models import Edition
from service.errors import NotFound
from service.newsletters import publication, web
from service.newsletters.models import Newsletter
from service.newsletters.publication import NewsletterNotFound
from service.newsletters.web import Web
from service.public import masthead
from service.public.masthead import Masthead

_SLUG = re.compile(r"[a-z0-9-]{1,64}")


class NotOnWeb(NotFound):
    """The editions of this newsletter are not on the web; they are sent by mail."""


class PageNotFound(NotFound):
    """The archive has no page of this number; begin at its first page."""


@dataclass(frozen=True)
class Latest:
    path: str
    day: date
    told: str  # in the newsletter's language


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


def on_web(session: Session, slug: str) -> Newsletter:
    """A newsletter whose editions anybody may read; another one has no page, no archive and no feed."""
    newsletter = newsletter_of(session, slug)
    if not web.is_public(newsletter):
        raise NotOnWeb
    return newsletter


def with_mark(session: Session, slug: str, day: date, slot: int, mark: str) -> Newsletter:
    """The newsletter whose edition has that address in its mail; a wrong mark and a date without edition are told apart by nobody."""
    newsletter = newsletter_of(session, slug)
    if web.of(newsletter) is Web.MAIL_ONLY:
        raise NotOnWeb
    if not web.opens(newsletter, day, slot, mark):
        raise queries.EditionNotFound
    return newsletter


def read(session: Session, slug: str) -> Front:
    newsletter = newsletter_of(session, slug)
    return Front(
        newsletter, masthead.of(newsletter), _appears(session, newsletter), _latest(session, newsletter)
    )


def edition_path(slug: str, edition: Edition) -> str:
    return f"/n/{slug}/{web.day_path(edition.local_date, edition.slot)}"


def _appears(session: Session, newsletter: Newsletter) -> list[str]:
    from service.languages import speaking

    words = speaking.of(newsletter.language)
    return [masthead.appears(cadence, words) for cadence in queries.cadences_of(session, newsletter.id)]


def _latest(session: Session, newsletter: Newsletter) -> Latest | None:
    if not web.is_public(newsletter):
        return None
    out = queries.public_editions(session, newsletter.id, limit=1)
    return _told(newsletter, out[0]) if out else None


def _told(newsletter: Newsletter, edition: Edition) -> Latest:
    from service.languages import speaking

    day = edition.local_date
    return Latest(edition_path(newsletter.slug, edition), day, speaking.of(newsletter.language).date(day))
