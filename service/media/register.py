"""The rows: which pictures there are, and which address shows which."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from service import tokens
from service.media import pictures
from service.media.models import PictureAddress, StoredPicture
from service.media.pictures import Made


def keep(session: Session, made: Made, *, now: datetime) -> StoredPicture:
    """The row of a picture that is in the store, with its own address: the same bytes are kept once."""
    picture = row_of(session, made, now=now)
    path = f"/{pictures.path_of(made.name)}"
    address = _address(session, tokens.hashed(path)) or PictureAddress(
        key=tokens.hashed(path), url=path, asked_at=now, fetched_at=now
    )
    address.picture_id, address.asked_at = picture.id, now
    address.due_at = address.problem = None
    session.add(address)
    session.flush()
    return picture


def row_of(session: Session, made: Made, *, now: datetime) -> StoredPicture:
    found = _picture(session, made.sha256)
    if found is not None:
        return found
    try:
        with session.begin_nested():
            row = StoredPicture(
                sha256=made.sha256,
                extension=made.extension,
                width=made.width,
                height=made.height,
                octets=len(made.body),
                created_at=now,
            )
            session.add(row)
            session.flush()
            return row
    except IntegrityError:
        found = _picture(session, made.sha256)  # somebody else has just kept the same
        if found is None:
            raise
        return found


def key_of(url: str) -> str:
    """What an address is known by: a picture of ours by its path, so that it is the same under another public address."""
    name = pictures.own_name(url)
    return tokens.hashed(f"/{pictures.path_of(name)}" if name else url)


def by_keys(session: Session, keys: Iterable[str]) -> dict[str, PictureAddress]:
    query = select(PictureAddress).where(col(PictureAddress.key).in_(list(keys)))
    return {row.key: row for row in session.exec(query)}


def _address(session: Session, key: str) -> PictureAddress | None:
    return session.exec(select(PictureAddress).where(PictureAddress.key == key)).first()


def _picture(session: Session, sha256: str) -> StoredPicture | None:
    return session.exec(select(StoredPicture).where(StoredPicture.sha256 == sha256)).first()
