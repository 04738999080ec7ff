"""Which pictures an edition shows, by what address each is shown, and what is to be said of them before it leaves."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service.editions.models import Edition, EditionPicture
from service.media import pictures as media
from service.media import register
from service.media.models import PictureAddress, StoredPicture
from service.media.register import Wanted
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.rendering import pictures
from service.rendering.blocks import Document
from service.rendering.content import EditionContent
from service.rendering.pictures import Known, Shown

MOST = 200  # in one edition; what is beyond stays where it is


@dataclass(frozen=True)
class Failed:
    url: str
    problem: str


@dataclass(frozen=True)
class Standing:
    """How an edition's pictures are: still to be copied, not to be had, without words."""

    waiting: int
    failed: tuple[Failed, ...]
    undescribed: int

    @property
    def said(self) -> list[str]:
        """What somebody should know before it is sent, in sentences."""
        lines = []
        if self.waiting:
            lines.append(f"{_counted(self.waiting)} not copied yet.")
        lines += [
            f"A picture could not be copied and is shown from where it stands, {one.url}: {one.problem}"
            for one in self.failed
        ]
        if self.undescribed:
            lines.append(
                f"{_counted(self.undescribed)} without a word for readers who do not see it. "
                "Say what it shows, or that it is mere decoration."
            )
        return lines


def note(session: Session, edition: Edition, document: Document, *, now: datetime) -> list[PictureAddress]:
    """Remember which pictures its newest version shows, and have those copied that are not ours yet. Returns their rows."""
    newsletter = session.get_one(Newsletter, edition.newsletter_id)
    rows = register.ask(session, wanted(newsletter, document), now=now)
    present = {
        row.address_id: row
        for row in session.exec(select(EditionPicture).where(EditionPicture.edition_id == edition.id))
    }
    named = {row.id for row in rows}
    for gone in present.keys() - named:
        session.delete(present[gone])
    session.add_all(EditionPicture(edition_id=edition.id, address_id=one) for one in named - present.keys())
    session.flush()
    return rows


def outstanding(session: Session, edition: Edition, document: Document, *, now: datetime) -> list[Wanted]:
    """Those of which nobody knows yet whether they can be copied."""
    rows = note(session, edition, document, now=now)
    return [Wanted(row.id, row.url) for row in rows if register.is_untried(row)]


def has_any(content: EditionContent) -> bool:
    return content.newsletter.theme.picture is not None or bool(pictures.addresses(content.document))


def wanted(newsletter: Newsletter, document: Document) -> list[str]:
    """Every address that the edition shows a picture from, that of the newsletter's name among them."""
    plate = publication.theme(newsletter).picture
    return [*([plate.url] if plate else []), *pictures.addresses(document)][:MOST]


def shown(
    session: Session, edition: Edition, newsletter: Newsletter, document: Document, *, base_url: str
) -> dict[str, Shown]:
    """What stands for each address of which we have the picture."""
    urls = wanted(newsletter, document)
    if not urls:
        return {}
    query = (
        select(PictureAddress.key, StoredPicture)
        .join(EditionPicture, col(EditionPicture.address_id) == PictureAddress.id)
        .join(
            StoredPicture,
            col(StoredPicture.id)
            == sa.func.coalesce(col(EditionPicture.picture_id), col(PictureAddress.picture_id)),
        )
        .where(EditionPicture.edition_id == edition.id)
    )
    ours = {
        key: Shown(f"{base_url.rstrip('/')}/{media.path_of(one.name)}", one.width, one.height)
        for key, one in session.exec(query)
    }
    return {url: ours[key] for url in urls if (key := register.key_of(url)) in ours}


def pin(session: Session, edition: Edition, rendered: Known) -> None:
    """In the write that begins to send it: these are the pictures that stand in its mail from now on."""
    names = {register.key_of(url): media.own_name(one.url) for url, one in rendered.items()}
    query = (
        select(EditionPicture, PictureAddress.key)
        .join(PictureAddress, col(PictureAddress.id) == EditionPicture.address_id)
        .where(EditionPicture.edition_id == edition.id)
    )
    for row, key in session.exec(query):
        name = names.get(key)
        row.picture_id = register.id_of(session, name) if name else None
        session.add(row)


def standing(session: Session, edition: Edition, document: Document) -> Standing:
    query = (
        select(PictureAddress)
        .join(EditionPicture, col(EditionPicture.address_id) == PictureAddress.id)
        .where(EditionPicture.edition_id == edition.id)
        .order_by(col(PictureAddress.id))
    )
    missing = [row for row in session.exec(query) if row.picture_id is None]
    return Standing(
        waiting=sum(register.is_untried(row) for row in missing),
        failed=tuple(Failed(row.url, row.problem) for row in missing if row.problem),
        undescribed=pictures.undescribed(document),
    )


def try_again(session: Session, edition: Edition, *, now: datetime) -> None:
    """Have those fetched once more that could not be copied."""
    query = (
        select(PictureAddress)
        .join(EditionPicture, col(EditionPicture.address_id) == PictureAddress.id)
        .where(EditionPicture.edition_id == edition.id, col(PictureAddress.picture_id).is_(None))
    )
    for row in session.exec(query):
        row.problem, row.tries, row.due_at = None, 0, now
        session.add(row)


def _counted(count: int) -> str:
    return "One picture is" if count == 1 else f"{count} pictures are"
