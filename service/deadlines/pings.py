"""The call to the watcher: claimed by one process, made with no transaction open, recorded.

queued -> calling -> done                          nobody calls again
                  -> queued, a little later        it did not answer, or not well; a few times
                  -> failed                        those were all
                  -> unclear                       the process ended meanwhile; it may have arrived
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database, logs
from service.database import Database
from service.deadlines import verdicts
from service.deadlines.models import Deadline, Ping
from service.editions.models import Edition
from service.errors import MemoError
from service.fetching import Fetcher
from service.newsletters import publication

log = logs.get(__name__)

WAITS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5))
LEASE = timedelta(minutes=2)  # longer than a call may take
NO_URL = "The newsletter has no address to call any more."


@dataclass(frozen=True)
class Call:
    edition_id: int
    edition_uid: uuid.UUID
    url: str


async def watch(held: Database, fetcher: Fetcher) -> None:
    """Give the verdicts that can be given, then make the calls that are due. Runs beside sending and keeps nothing waiting."""
    for verdict in await held.read(verdicts.ready):
        await held.write(verdicts.give, verdict)
    while await held.read(is_any_due) and (call := await held.write(claim)) is not None:
        problem = await _made(fetcher, call)
        await held.write(record, call, problem)


async def _made(fetcher: Fetcher, call: Call) -> str | None:
    """The address is a secret of the watcher's, so it is not logged."""
    try:
        await fetcher.ping(call.url)
    except MemoError as error:
        log.warning("edition.ping_failed", edition=str(call.edition_uid), problem=error.message)
        return error.message
    log.info("edition.pinged", edition=str(call.edition_uid))
    return None


def is_any_due(session: Session) -> bool:
    query = (
        sa.select(col(Deadline.edition_id)).where(col(Deadline.ping_due_at) <= database.now(session)).limit(1)
    )
    return session.execute(query).first() is not None


def claim(session: Session) -> Call | None:
    """The call that has waited longest; a call that its process did not live to record is closed on the way."""
    now = database.now(session)
    query = (
        select(Deadline).where(col(Deadline.ping_due_at) <= now).order_by(col(Deadline.ping_due_at)).limit(1)
    )
    while (row := session.exec(query.with_for_update(skip_locked=True)).first()) is not None:
        url = publication.ping_url(publication.get_by_id(session, row.newsletter_id))
        if row.ping == Ping.QUEUED and url is not None:
            row.ping, row.ping_due_at = Ping.CALLING, now + LEASE
            row.ping_attempts += 1
            session.add(row)
            session.flush()
            return Call(row.edition_id, session.get_one(Edition, row.edition_id).uid, url)
        is_unclear = row.ping == Ping.CALLING
        row.ping, row.ping_due_at = Ping.UNCLEAR if is_unclear else Ping.FAILED, None
        row.ping_problem = "The process ended during the call." if is_unclear else NO_URL
        session.add(row)
        session.flush()
    return None


def record(session: Session, call: Call, problem: str | None) -> None:
    row = session.get_one(Deadline, call.edition_id, with_for_update=True)
    if row.ping != Ping.CALLING:
        return
    now = database.now(session)
    row.ping_problem = problem[:500] if problem else None
    if problem is None:
        row.ping, row.ping_due_at, row.pinged_at = Ping.DONE, None, now
    elif row.ping_attempts <= len(WAITS):
        row.ping, row.ping_due_at = Ping.QUEUED, now + WAITS[row.ping_attempts - 1]
    else:
        row.ping, row.ping_due_at = Ping.FAILED, None
    session.add(row)
