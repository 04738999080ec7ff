"""Mails that came back are kept before anything else happens to them: once each, until they are handled and for a while after.

Whoever brings one (a mailbox, our own listener, the pipe) may die between fetching and telling the other side that it has it: it is
then brought again, and found to be here already.
"""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from service import database
from service.bounces.models import MailState, ReturnedMail
from service.errors import NotFound
from service.mailbox import header_text

KEPT_OCTETS = 512 * 1024
HANDLED_KEPT_FOR = timedelta(days=30)
OTHERS_KEPT_FOR = timedelta(days=180)


class MailNotFound(NotFound):
    """This mail is not here any more. What has been handled is kept for 30 days."""


@dataclass(frozen=True)
class Brought:
    """A mail as it came. `octets` is the size of the whole where `raw` is only its beginning; `rcpt_to` is "" where nobody knows it."""

    source: str
    raw: bytes
    rcpt_to: str = ""
    octets: int = 0


def keep(session: Session, mail: Brought, *, now: datetime) -> int | None:
    """Its key, or None if it is here already."""
    raw = mail.raw[:KEPT_OCTETS]
    insert = postgresql.insert if database.is_postgresql(session) else sqlite.insert
    row = ReturnedMail(
        key=_key(mail),
        source=mail.source,
        rcpt_to=header_text.single_line(mail.rcpt_to)[:320],
        octets=max(mail.octets, len(mail.raw)),
        raw=raw,
        subject=header_text.subject_of(raw)[:300],
        came_at=now,
    )
    statement = (
        insert(ReturnedMail)
        .values(**row.model_dump(exclude={"id"}))
        .on_conflict_do_nothing()
        .returning(col(ReturnedMail.id))
    )
    return session.execute(statement).scalar_one_or_none()


def keep_all(session: Session, mails: Sequence[Brought], *, now: datetime) -> int:
    """How many of them were new."""
    return sum(keep(session, mail, now=now) is not None for mail in mails)


def waiting(session: Session, *, behind: int = 0) -> ReturnedMail | None:
    """The next one to handle."""
    query = (
        select(ReturnedMail)
        .where(ReturnedMail.state == MailState.WAITING, col(ReturnedMail.id) > behind)
        .order_by(col(ReturnedMail.id))
        .limit(1)
    )
    return session.exec(query).first()


def get(session: Session, uid: uuid.UUID) -> ReturnedMail:
    mail = session.exec(select(ReturnedMail).where(ReturnedMail.uid == uid)).first()
    if mail is None:
        raise MailNotFound
    return mail


def mark_read(session: Session, uid: uuid.UUID, *, now: datetime) -> None:
    """A person has seen to it."""
    mail = get(session, uid)
    if mail.state is MailState.TO_READ:
        mail.state, mail.handled_at = MailState.READ, now
        session.add(mail)


def forget_old(session: Session, *, now: datetime) -> None:
    """What they said stays as bounces; only the mails go. One that waits never does."""
    handled = col(ReturnedMail.state).in_((MailState.HANDLED, MailState.FORGED, MailState.READ))
    old = sa.or_(
        sa.and_(handled, col(ReturnedMail.came_at) < now - HANDLED_KEPT_FOR),
        sa.and_(
            col(ReturnedMail.state) == MailState.TO_READ, col(ReturnedMail.came_at) < now - OTHERS_KEPT_FOR
        ),
    )
    session.execute(sa.delete(ReturnedMail).where(old), execution_options={"synchronize_session": False})


def _key(mail: Brought) -> str:
    """By its bytes and whom it was for: one report about ten readers may come in ten copies that differ in nothing else."""
    return hashlib.sha256(mail.rcpt_to.lower().encode("utf-8", "replace") + b"\0" + mail.raw).hexdigest()
