"""An old edition's details become its counts and its proof.

    claim the run -> write the proof, piece by piece -> lock the run: still as it was? -> counts kept, from now on nobody asks the rows

Killed before the last step, the edition is as it was, and somebody begins anew an hour later.
"""

from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database, logs
from service.clock import Clock
from service.database import Database
from service.editions.models import Edition
from service.errors import MemoError
from service.events import log as events
from service.ledger.models import Run
from service.proofs import facts, kept, writing
from service.proofs.facts import Facts
from service.tokens import Keys

log = logs.get(__name__)

AT_ONCE = 20  # in one go; the next hour takes the next
CLAIM_LASTS = timedelta(hours=1)


class Holder(Protocol):
    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def keys(self) -> Keys: ...


async def summarise_old(held: Holder, age: timedelta) -> int:
    """Editions that ended longer ago than that; how many were done."""
    done = 0
    for _ in range(AT_ONCE):
        uid = await held.database.write(_claim, held.clock.now() - age)
        if uid is None:
            break
        try:
            done += await _summarise(held, uid)
        except MemoError as error:
            log.error("edition.not_summarised", edition=str(uid), problem=error.message)
    return done


async def _summarise(held: Holder, uid: UUID) -> bool:
    found = await held.database.read(facts.of, uid, now=held.clock.now())
    pieces = writing.stream(held.database, held.keys, found, writing.wanted("json"))
    await kept.keep(held.database, found.edition_id, pieces)
    return await held.database.write(_finish, found, now=held.clock.now())


def _claim(session: Session, before: datetime) -> UUID | None:
    now = database.now(session)
    query = (
        select(Run)
        .where(
            col(Run.ended_at) < before,
            col(Run.summarised_at).is_(None),
            sa.or_(col(Run.summarising_at).is_(None), col(Run.summarising_at) < now - CLAIM_LASTS),
        )
        .order_by(col(Run.edition_id))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    run = session.exec(query.execution_options(populate_existing=True)).first()
    if run is None:
        return None
    run.summarising_at = now
    session.add(run)
    return session.get_one(Edition, run.edition_id).uid


def _finish(session: Session, found: Facts, *, now: datetime) -> bool:
    """Not if it was opened again meanwhile: then it is no old edition any more."""
    query = select(Run).where(col(Run.edition_id) == found.edition_id).with_for_update()
    run = session.exec(query.execution_options(populate_existing=True)).one()
    if run.ended_at != found.ended_at or run.summarised_at is not None:
        return False
    totals = found.totals
    run.summary = {
        "counts": {state.value: count for state, count in totals.counts.items()},
        "may_have_come_twice": totals.may_have_come_twice,
        "bounced_later": totals.bounced_later,
    }
    run.summarised_at = now
    session.add(run)
    facts_of_it = {"readers": totals.audience}
    subject = ("edition", found.uid)
    events.record(
        session, "edition.summarised", actor="retention", now=now, subject=subject, facts=facts_of_it
    )
    return True
