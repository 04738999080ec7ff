"""Who has how many of a relay's connections, as rows that all workers share. A sender renews its row twice a second while it has work.

The relay's row is locked meanwhile, so that no two give themselves the same. Whoever dies leaves a row that goes stale, like its spans.
"""

import hashlib
import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.delivery import sharing
from service.delivery.models import Relay, Seat
from service.delivery.sharing import SeatLane, Wish

STALE = timedelta(seconds=10)
SILENT = timedelta(seconds=2)  # four beats


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
    _see_no_later_than(session, rows, now)
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


def _see_no_later_than(session: Session, rows: Iterable[Seat], now: datetime) -> None:
    """After the clock went back: who lives keeps what it has open, and who does not has still ten seconds."""
    for row in rows:
        if row.seen_at > now + STALE:
            row.seen_at = now
            session.add(row)


def leave(session: Session, uid: uuid.UUID) -> None:
    session.execute(sa.delete(Seat).where(col(Seat.uid) == uid))


def holder(worker: str) -> str:
    """A worker's name is its machine's and its process's number, which two containers with one host name may share."""
    return f"{worker}@{_space()}"


def let_go_of_the_dead(session: Session, me: str, *, is_alone: bool) -> None:
    """At the start of the worker with these seats: what processes of this machine that are gone had open was closed with them.

    `me` has nothing open yet: whoever had this name is gone, too. Of another container with the same host name all that is known is
    that it is silent. `is_alone`: no other process sends.
    """
    silent = database.now(session) - SILENT
    for seat in session.exec(select(Seat)).all():
        if is_alone or seat.holder == me or _is_gone(seat, me, silent):
            session.delete(seat)


def _is_gone(seat: Seat, me: str, silent: datetime) -> bool:
    worker, _, space = seat.holder.partition("@")
    machine, _, number = worker.rpartition(":")
    if machine != me.partition("@")[0].rpartition(":")[0] or not number.isdigit():
        return False
    if space != me.partition("@")[2]:
        return seat.seen_at < silent
    try:
        os.kill(int(number), 0)  # signal 0 only asks
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # somebody else's, and alive
    return False


@cache
def _space() -> str:
    """Within which a process's number is one process's: this start of this kernel, and the container."""
    try:
        told = Path("/proc/sys/kernel/random/boot_id").read_bytes() + bytes(
            Path("/proc/self/ns/pid").readlink()
        )
    except OSError:
        return ""
    return hashlib.sha256(told).hexdigest()[:6]


def open_now(session: Session, relay: str) -> tuple[int, int]:
    """How many connections are given out, and to how many workers."""
    fresh = database.now(session) - STALE
    rows = [row for row in _rows(session, relay) if row.seen_at > fresh and row.allowed]
    return sum(row.allowed for row in rows), len({row.holder for row in rows})


def _rows(session: Session, relay: str) -> list[Seat]:
    return list(
        session.exec(select(Seat).where(Seat.relay == relay).order_by(col(Seat.since), col(Seat.uid)))
    )
