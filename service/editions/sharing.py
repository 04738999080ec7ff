"""Links that show an edition to colleagues who do not sign in: signed, for some hours, withdrawn at will.

A link names a row and nothing else, and what it shows is made without any reader. Looking changes nothing, not even here.
"""

import uuid
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service.editions import queries
from service.editions.models import Edition, Share
from service.errors import Conflict, Invalid, NotFound
from service.events import log
from service.tokens import Keys

USUAL_HOURS = 48
MOST_HOURS = 14 * 24
MOST_AT_ONCE = 10
KEPT_AFTER = timedelta(days=30)  # for as long a link that has run out says so
_PURPOSE = "share"
_UID_OCTETS = 16


class HoursInvalid(Invalid):
    """A link for the newsroom is good for 1 to 336 hours; without a number, for 48."""


class TooManyShares(Conflict):
    """There are ten links to this edition already. Withdraw one first."""


class ShareNotFound(NotFound):
    """There is no such link to this edition."""


class ShareOver(Conflict):
    """This link has run out, or the newsroom has withdrawn it. Ask whoever sent it to you for a new one."""


def make(session: Session, edition_uid: uuid.UUID, *, hours: int, now: datetime, actor: str) -> Share:
    if not 1 <= hours <= MOST_HOURS:
        raise HoursInvalid(field="hours")
    edition = queries.lock(session, queries.get(session, edition_uid))
    if len(good(session, edition, now=now)) >= MOST_AT_ONCE:
        raise TooManyShares
    share = Share(
        edition_id=edition.id, made_by=actor[:120], created_at=now, expires_at=now + timedelta(hours=hours)
    )
    session.add(share)
    session.flush()
    _record(session, "edition.shared", edition, share, now=now, actor=actor)
    return share


def withdraw(
    session: Session, edition_uid: uuid.UUID, share_uid: uuid.UUID, *, now: datetime, actor: str
) -> None:
    """A second time changes nothing."""
    edition = queries.get(session, edition_uid)
    share = _find(session, share_uid)
    if share is None or share.edition_id != edition.id:
        raise ShareNotFound
    if share.withdrawn_at is None:
        share.withdrawn_at = now
        session.add(share)
        _record(session, "edition.share_withdrawn", edition, share, now=now, actor=actor)


def good(session: Session, edition: Edition, *, now: datetime) -> list[Share]:
    """Those that open now, the newest first."""
    query = select(Share).where(
        Share.edition_id == edition.id, col(Share.withdrawn_at).is_(None), col(Share.expires_at) > now
    )
    return list(session.exec(query.order_by(col(Share.id).desc())))


def opened(session: Session, share_uid: uuid.UUID, *, now: datetime) -> tuple[Share, Edition]:
    """Raises ShareOver for a link that was one."""
    share = _find(session, share_uid)
    if share is None or share.withdrawn_at is not None or share.expires_at <= now:
        raise ShareOver
    return share, queries.get_by_id(session, share.edition_id)


def forget_old(session: Session, *, now: datetime) -> None:
    session.execute(sa.delete(Share).where(col(Share.expires_at) < now - KEPT_AFTER))


def token(keys: Keys, share: Share) -> str:
    return keys.sign(_PURPOSE, share.uid.bytes)


def read_token(keys: Keys, text: str) -> uuid.UUID | None:
    payload = keys.verify(_PURPOSE, text)
    return uuid.UUID(bytes=payload) if payload is not None and len(payload) == _UID_OCTETS else None


def _find(session: Session, share_uid: uuid.UUID) -> Share | None:
    return session.exec(select(Share).where(Share.uid == share_uid)).first()


def _record(
    session: Session, name: str, edition: Edition, share: Share, *, now: datetime, actor: str
) -> None:
    facts = {"share": str(share.uid), "until": share.expires_at.isoformat()}
    log.record(session, name, actor=actor, now=now, subject=("edition", edition.uid), facts=facts)
