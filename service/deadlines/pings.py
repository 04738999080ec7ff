"""The call to the watcher: claimed by one process, made with no transaction open, recorded.

queued -> calling -> done                          nobody calls again
                  -> queued, a little later        it did not answer, or not well; a few times
                  -> failed                        those were all, or the watcher has rung meanwhile
                  -> unclear                       the process ended meanwhile; it may have arrived
"""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database, logs
from service.database import Database
from service.deadlines import verdicts
from service.deadlines.models import Deadline, Ping
from service.delivery import clock_steps
from service.editions.models import Edition
from service.errors import MemoError
from service.fetching import Fetcher
from service.newsletters import publication

log = logs.get(__name__)

WAITS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5))
LEASE = timedelta(minutes=2)  # longer than a call may take
CALLS_AT_ONCE = 20
LOOK_SECONDS = 5.0
NO_URL = "The newsletter has no address to call any more."


@dataclass(frozen=True)
class Call:
    edition_id: int
    edition_uid: uuid.UUID
    url: str


async def watch(held: Database, fetcher: Fetcher) -> None:
    """Give the verdicts that can be given, then make the calls that are due. Runs beside sending and keeps nothing waiting.

    Calls are made side by side, and what becomes due meanwhile joins them: a watcher that does not answer delays nobody else's.
    """
    calls: set[asyncio.Task[None]] = set()
    try:
        while True:
            for verdict in await held.read(verdicts.ready):
                await held.write(verdicts.give, verdict)
            calls |= await _begun(held, fetcher, CALLS_AT_ONCE - len(calls))
            if not calls:
                return
            ended, calls = await asyncio.wait(
                calls, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            for call in ended:
                if (error := call.exception()) is not None:
                    log.error("edition.ping_not_recorded", problem=repr(error))
    finally:
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def _begun(held: Database, fetcher: Fetcher, most: int) -> set[asyncio.Task[None]]:
    begun: set[asyncio.Task[None]] = set()
    while len(begun) < most and await held.read(is_any_due) and (call := await held.write(claim)) is not None:
        begun.add(asyncio.create_task(_call(held, fetcher, call)))
    return begun


async def _call(held: Database, fetcher: Fetcher, call: Call) -> None:
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


def move(session: Session, by: timedelta) -> None:
    """The database's clock went back: a call that waits is due by so much sooner, by what it says now."""
    clock_steps.move_back(session, Deadline, Deadline.ping_due_at, by, database.now(session))


def is_any_due(session: Session) -> bool:
    query = (
        sa.select(col(Deadline.edition_id)).where(col(Deadline.ping_due_at) <= database.now(session)).limit(1)
    )
    return session.execute(query).first() is not None


def claim(session: Session) -> Call | None:
    """The call that has waited longest. What nobody may make any more is closed on the way: a call that its process did not live to
    record, and one for which it has become too late.
    """
    now = database.now(session)
    query = (
        select(Deadline).where(col(Deadline.ping_due_at) <= now).order_by(col(Deadline.ping_due_at)).limit(1)
    )
    while (row := session.exec(query.with_for_update(skip_locked=True)).first()) is not None:
        url = publication.ping_url(publication.get_by_id(session, row.newsletter_id))
        hindrance = _hindrance(row, url, now)
        if hindrance is None and url is not None:
            row.ping, row.ping_due_at = Ping.CALLING, now + LEASE
            row.ping_attempts += 1
            session.add(row)
            session.flush()
            return Call(row.edition_id, session.get_one(Edition, row.edition_id).uid, url)
        row.ping, row.ping_due_at = Ping.UNCLEAR if row.ping == Ping.CALLING else Ping.FAILED, None
        row.ping_problem = hindrance
        session.add(row)
        session.flush()
    return None


def _hindrance(row: Deadline, url: str | None, now: datetime) -> str | None:
    if row.ping == Ping.CALLING:
        return "The process ended during the call."
    if url is None:
        return NO_URL
    if verdicts.is_too_late(row.due_at, now):
        return row.ping_problem or verdicts.TOO_LATE
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
