"""The newest messages, the oldest giving way: one row for each address a message went to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service.errors import NotFound
from service.mailbox import header_text
from service.mailbox.models import CaughtMessage

KEPT = 500
LONGEST_ADDRESS = 320
LONGEST_SUBJECT = 1_000

_SHOWN = (
    col(CaughtMessage.id),
    col(CaughtMessage.caught_at),
    col(CaughtMessage.mail_from),
    col(CaughtMessage.rcpt_to),
    col(CaughtMessage.subject),
    col(CaughtMessage.octets),
)


class MessageNotFound(NotFound):
    """This message is not in the mailbox. It keeps the newest 500; an older one has given way."""


@dataclass(frozen=True)
class Summary:
    """A message as the list shows it: everything but its bytes."""

    id: int
    caught_at: datetime
    mail_from: str
    rcpt_to: str
    subject: str
    octets: int


@dataclass(frozen=True)
class Page:
    messages: Sequence[Summary]
    found: int
    newest: int
    older: int | None


def keep(session: Session, *, mail_from: str, rcpt_tos: Sequence[str], raw: bytes, now: datetime) -> None:
    subject = header_text.subject_of(raw)[:LONGEST_SUBJECT]
    for rcpt_to in rcpt_tos:
        session.add(
            CaughtMessage(
                caught_at=now,
                mail_from=_address(mail_from),
                rcpt_to=_address(rcpt_to),
                subject=subject,
                octets=len(raw),
                raw=raw,
            )
        )
    session.flush()
    _let_the_oldest_go(session)


def page(session: Session, *, search: str = "", before: int | None = None, limit: int = 50) -> Page:
    """Newest first. `search` is a part of the recipient or of the subject; `before` is the `older` of the page above."""
    kept = [Summary(*row) for row in session.connection().execute(_newest())]
    # At most 500 short rows: judged here, for the two databases fold capital letters differently.
    wanted = search.strip().casefold()
    found = [one for one in kept if wanted in one.rcpt_to.casefold() or wanted in one.subject.casefold()]
    rest = [one for one in found if before is None or one.id < before]
    shown = rest[:limit]
    return Page(
        messages=shown,
        found=len(found),
        newest=kept[0].id if kept else 0,
        older=shown[-1].id if len(rest) > limit else None,
    )


def get(session: Session, number: int) -> CaughtMessage:
    message = session.exec(select(CaughtMessage).where(CaughtMessage.id == number)).first()
    if message is None:
        raise MessageNotFound
    return message


def count(session: Session) -> int:
    return len(session.connection().execute(_newest()).all())


def _newest() -> sa.Select[int, datetime, str, str, str, int]:
    return sa.select(*_SHOWN).order_by(col(CaughtMessage.id).desc()).limit(KEPT)


def _let_the_oldest_go(session: Session) -> None:
    oldest_kept = (
        sa.select(col(CaughtMessage.id))
        .order_by(col(CaughtMessage.id).desc())
        .offset(KEPT - 1)
        .limit(1)
        .scalar_subquery()
    )
    # Two connections may trim at once: neither waits for a row that the other is deleting already.
    surplus = (
        sa.select(col(CaughtMessage.id))
        .where(col(CaughtMessage.id) < oldest_kept)
        .with_for_update(skip_locked=True)
    )
    session.connection().execute(sa.delete(CaughtMessage).where(col(CaughtMessage.id).in_(surplus)))


def _address(text: str) -> str:
    return header_text.single_line(text)[:LONGEST_ADDRESS]
