"""The rows: which pictures there are, and which address shows which."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from service import tokens
from service.media import pictures
from service.media.models import PictureAddress, StoredPicture
from service.media.pictures import Made

FRESH_FOR = timedelta(days=1)
REFUSED_FOR = timedelta(minutes=10)
TAKEN_FOR = timedelta(minutes=2)
WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
PROBLEM_CHARACTERS = 500


@dataclass(frozen=True)
class Wanted:
    """An address to fetch a picture from."""

    id: int
    url: str


@dataclass(frozen=True)
class Failure:
    """Why there is no copy, in words; `is_passing`: it may be had later."""

    problem: str
    is_passing: bool


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


def id_of(session: Session, name: str) -> int | None:
    found = _picture(session, name.partition(".")[0])
    return found.id if found is not None else None


def is_kept(session: Session, name: str) -> bool:
    return id_of(session, name) is not None


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


def ask(session: Session, urls: Iterable[str], *, now: datetime) -> list[PictureAddress]:
    """The rows of these addresses. What is not ours is due to be fetched: at once if it is new, anew if its copy is a day old."""
    by_key = {key_of(url): url for url in urls}
    rows = by_keys(session, by_key)
    for key, url in by_key.items():
        row = rows.get(key) or _new_address(session, key, url, now)
        if _is_outdated(row, now):
            row.due_at, row.tries = now, 0
        row.asked_at = now
        session.add(row)
        rows[key] = row
    session.flush()
    return [rows[key] for key in by_key]


def is_untried(row: PictureAddress) -> bool:
    return row.picture_id is None and row.problem is None


def is_any_due(session: Session, now: datetime) -> bool:
    return (
        session.exec(select(PictureAddress.id).where(col(PictureAddress.due_at) <= now).limit(1)).first()
        is not None
    )


def take(session: Session, *, now: datetime, limit: int) -> list[Wanted]:
    """Some that are due, for the caller to fetch and nobody else; one whose fetcher dies is due again two minutes later."""
    query = (
        select(PictureAddress)
        .where(col(PictureAddress.due_at) <= now)
        .order_by(col(PictureAddress.due_at), col(PictureAddress.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = list(session.exec(query))
    for row in rows:
        row.due_at = now + TAKEN_FOR
        session.add(row)
    return [Wanted(row.id, row.url) for row in rows]


def settle(session: Session, address_id: int, found: Made | Failure, *, now: datetime) -> None:
    """What came of fetching it. A copy that we had stays until there is a newer one."""
    row = session.get(PictureAddress, address_id)
    if row is None:
        return  # let go meanwhile
    row.fetched_at, row.due_at = now, None
    if isinstance(found, Made):
        row.picture_id, row.problem, row.tries = row_of(session, found, now=now).id, None, 0
    else:
        row.problem, row.tries = found.problem[:PROBLEM_CHARACTERS], row.tries + 1
        if found.is_passing and row.tries <= len(WAITS):
            row.due_at = now + WAITS[row.tries - 1]
    session.add(row)


def _is_outdated(row: PictureAddress, now: datetime) -> bool:
    if row.due_at is not None or row.url.startswith("/") or row.fetched_at is None:
        return False
    return row.fetched_at < now - (FRESH_FOR if row.picture_id else REFUSED_FOR)


def _new_address(session: Session, key: str, url: str, now: datetime) -> PictureAddress:
    try:
        with session.begin_nested():
            row = PictureAddress(key=key, url=url, due_at=now, asked_at=now)
            session.add(row)
            session.flush()
            return row
    except IntegrityError:
        found = _address(session, key)  # another edition has just asked for the same
        if found is None:
            raise
        return found
