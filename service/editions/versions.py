"""An edition's versions: append-only, each the whole document with its hash, and the articles it places."""

import uuid
from datetime import datetime

from sqlmodel import Session, col, select

from service.articles import queries as articles
from service.articles import spelling
from service.editions import pictures
from service.editions.models import Edition, Version, VersionItem
from service.errors import NotFound
from service.rendering import links
from service.rendering.blocks import Briefs, Document, Item, Lead


class VersionNotFound(NotFound):
    """This edition has no such version."""


def add(session: Session, edition: Edition, document: Document, *, author: str, now: datetime) -> Version:
    """A new version, unless the document is just what the newest one holds already."""
    sha256 = document.sha256()
    if edition.version_number:
        present = newest(session, edition)
        if present.sha256 == sha256:
            return present
    version = Version(
        edition_id=edition.id,
        number=edition.version_number + 1,
        document=document.canonical_json(),
        sha256=sha256,
        author=author,
        created_at=now,
    )
    session.add(version)
    edition.version_number = version.number
    session.add(edition)
    session.flush()
    placed = _placed(session, edition.newsletter_id, document)
    session.add_all(VersionItem(version_id=version.id, article_id=article_id) for article_id in placed)
    session.flush()
    pictures.note(session, edition, document, now=now)
    return version


def newest(session: Session, edition: Edition) -> Version:
    return get(session, edition, edition.version_number)


def get(session: Session, edition: Edition, number: int) -> Version:
    query = select(Version).where(Version.edition_id == edition.id, Version.number == number)
    version = session.exec(query).first()
    if version is None:
        raise VersionNotFound
    return version


def all_of(session: Session, edition: Edition) -> list[Version]:
    query = select(Version).where(Version.edition_id == edition.id).order_by(col(Version.number).desc())
    return list(session.exec(query))


def document_in(version: Version) -> Document:
    return Document.model_validate_json(version.document)


def _placed(session: Session, newsletter_id: int, document: Document) -> list[int]:
    """Leads, items and briefs use an article up; a section's latest only points at it."""
    uids, addresses = set(), set()
    for block in document.blocks:
        if isinstance(block, Lead | Item) and block.article_uid:
            uids |= _uid(block.article_uid)
        elif isinstance(block, Briefs):
            addresses |= {
                spelling.key(brief.url) for brief in block.items if brief.url and links.is_web(brief.url)
            }
    found = articles.by_uids(session, newsletter_id, uids) + articles.by_keys(
        session, newsletter_id, addresses
    )
    return sorted({article.id for article in found})


def _uid(text: str) -> set[uuid.UUID]:
    try:
        return {uuid.UUID(text)}
    except ValueError:
        return set()
