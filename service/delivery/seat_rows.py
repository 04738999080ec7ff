"""Who has how many of a relay's connections, as rows that all workers share. A sender renews its row twice a second while it has work.

The relay's row is locked meanwhile, so that no two give themselves the same. Whoever dies leaves a row that goes stale, like its spans.
"""

import os
import uuid
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.delivery import sharing
from service.delivery.models import Relay, Seat
from service.delivery.sharing import SeatLane, Wish

STALE = timedelta(seconds=10)


@dataclass(frozen=True)
class Claim:
    """Of one sender; `holder` is its worker's name."""

    uid: uuid.UUID
    relay: str
    lane: SeatLane
    holder: str


def renew(session: Session, claim: Claim, *, wanted: int, opened: int, unless_said: int) -> int:
    """How many it may have open now. `opened` are open, also if that is more. Wanting and having none, it has no row.

    The relay takes as many as its row says, or `unless_said`.
    """
    limit = select(Relay).where(Relay.name == claim.relay).with_for_update()
    relay, now = session.exec(limit).first(), database.now(session)
    if relay is None or not (wanted or opened):
        leave(session, claim.uid)
        return wanted
    connections = relay.connections or unless_said
    rows = _rows(session, claim.relay)
    for row in rows:
        if row.uid != claim.uid and row.seen_at <= now - STALE:
            session.delete(row)
    alive = [row for row in rows if row.uid == claim.uid or row.seen_at > now - STALE]
    mine = next((row for row in alive if row.uid == claim.uid), None)
    if mine is None:
        mine = Seat(**vars(claim), since=now, seen_at=now)
        alive.append(mine)
    mine.wanted, mine.seen_at = wanted, now
    wishes = [Wish(row.lane, row.wanted, row.allowed) for row in alive]
    given = sharing.granted(connections, wishes, alive.index(mine))
    mine.allowed = max(given, opened)
    session.add(mine)
    return given


def leave(session: Session, uid: uuid.UUID) -> None:
    session.execute(sa.delete(Seat).where(col(Seat.uid) == uid))


def let_go_of_the_dead(session: Session, me: str, *, is_alone: bool) -> None:
    """At the start of the worker of that name: what processes of this machine that are gone had open was closed with them.

    `me` has nothing open yet: whoever had this name is gone, too, as in a container, where each has the same number. `is_alone`:
    no other process sends.
    """
    for seat in session.exec(select(Seat)).all():
        if is_alone or seat.holder == me or _is_dead_here(seat.holder, me):
            session.delete(seat)


def _is_dead_here(holder: str, me: str) -> bool:
    machine, _, number = holder.rpartition(":")
    if machine != me.rpartition(":")[0] or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)  # signal 0 only asks
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def open_now(session: Session, relay: str) -> tuple[int, int]:
    """How many connections are given out, and to how many workers."""
    fresh = database.now(session) - STALE
    rows = [row for row in _rows(session, relay) if row.seen_at > fresh and row.allowed]
    return sum(row.allowed for row in rows), len({row.holder for row in rows})


def _rows(session: Session, relay: str) -> list[Seat]:
    return list(
        session.exec(select(Seat).where(Seat.relay == relay).order_by(col(Seat.since), col(Seat.uid)))
    )
