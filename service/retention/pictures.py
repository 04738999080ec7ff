"""Pictures that nobody shows any more: no edition that has left or may yet leave, and no newsletter in place of its name.

addresses that nobody asked for in so many days -> forgotten -> pictures without an address, in no mail -> forgotten -> their bytes
"""

from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import logs
from service.clock import Clock
from service.database import Database
from service.editions.models import Edition, EditionPicture, State
from service.media import register
from service.media.folder import StoreFailed
from service.media.models import PictureAddress, StoredPicture
from service.media.pictures import Store
from service.newsletters import publication

log = logs.get(__name__)
AT_ONCE = 200


class Holder(Protocol):
    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def media(self) -> Store: ...


async def let_go(held: Holder, age: timedelta) -> None:
    """Killed in the middle, a picture's bytes may stay behind; what an edition shows is never touched."""
    before = held.clock.now() - age
    while await held.database.write(_forget_addresses, before):
        pass
    while names := await held.database.write(_forget_pictures, before):
        for name in names:
            # Somebody may have sent the same picture again meanwhile.
            if not await held.database.read(register.is_kept, name):
                await _remove(held.media, name)


async def _remove(store: Store, name: str) -> None:
    try:
        await store.remove(name)
    except StoreFailed as error:
        log.warning("picture.not_removed", picture=name, problem=error.message)


def _forget_addresses(session: Session, before: datetime) -> int:
    """How many there were."""
    is_shown = (
        sa.select(col(EditionPicture.id))
        .join(Edition, col(Edition.id) == EditionPicture.edition_id)
        .where(
            col(EditionPicture.address_id) == PictureAddress.id,
            sa.or_(
                col(Edition.started_at).is_not(None), col(Edition.state).in_((State.DRAFT, State.SCHEDULED))
            ),
        )
        .exists()
    )
    query = select(PictureAddress.id).where(
        col(PictureAddress.asked_at) < before, ~is_shown, col(PictureAddress.key).not_in(_plates(session))
    )
    ids = list(session.exec(query.limit(AT_ONCE)))
    if ids:
        session.execute(sa.delete(EditionPicture).where(col(EditionPicture.address_id).in_(ids)))
        session.execute(sa.delete(PictureAddress).where(col(PictureAddress.id).in_(ids)))
    return len(ids)


def _forget_pictures(session: Session, before: datetime) -> list[str]:
    """The names of those that no address shows now and no mail has shown."""
    is_named = sa.select(col(PictureAddress.id)).where(col(PictureAddress.picture_id) == StoredPicture.id)
    is_in_mail = sa.select(col(EditionPicture.id)).where(col(EditionPicture.picture_id) == StoredPicture.id)
    query = select(StoredPicture).where(
        col(StoredPicture.created_at) < before, ~is_named.exists(), ~is_in_mail.exists()
    )
    gone = list(session.exec(query.limit(AT_ONCE)))
    for picture in gone:
        session.delete(picture)
    session.flush()
    return [picture.name for picture in gone]


def _plates(session: Session) -> list[str]:
    plates = [publication.theme(newsletter).picture for newsletter in publication.all_of(session)]
    return [register.key_of(plate.url) for plate in plates if plate is not None]
