"""The last results, so that a page can show them without asking anybody, and say what is new since the time before."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service.doctor.findings import Examination, Finding, Severity
from service.doctor.models import Checkup
from service.errors import Conflict
from service.events import log

KEPT = 20
REST = timedelta(seconds=15)
TROUBLE = {Severity.WARN, Severity.FAIL}


class TooSoon(Conflict):
    """The last look was a moment ago. Wait a quarter of a minute, then look again: name servers and relays are not to be flooded."""


@dataclass(frozen=True)
class Kept:
    """`new`: what was no trouble the time before; `mended`: what was, and is none any more."""

    examination: Examination
    actor: str
    new: tuple[Finding, ...]
    mended: tuple[Finding, ...]


def keep(session: Session, found: Examination, *, actor: str) -> Checkup:
    """Only examinations of everything: what is about one domain is answered and forgotten."""
    made = Checkup(at=found.at, actor=actor, facts=found.facts())
    session.add(made)
    session.flush()
    newest = select(Checkup.id).order_by(col(Checkup.id).desc()).limit(KEPT)
    session.execute(sa.delete(Checkup).where(col(Checkup.id).not_in(newest)))
    counts = {key.value: count for key, count in found.counts.items()}
    log.record(
        session, "checkup.kept", actor=actor, now=found.at, subject=("checkup", made.uid), facts=counts
    )
    return made


def last(session: Session) -> Kept | None:
    rows = session.exec(select(Checkup).order_by(col(Checkup.id).desc()).limit(2)).all()
    if not rows:
        return None
    found = Examination.of(rows[0].facts)
    before = Examination.of(rows[1].facts) if len(rows) > 1 else None
    new, mended = compared(before, found) if before is not None else ((), ())
    return Kept(found, rows[0].actor, new, mended)


def ensure_rested(session: Session, now: datetime) -> None:
    """Raises TooSoon. For all processes, and everybody at the desk, together."""
    at = session.exec(select(Checkup.at).order_by(col(Checkup.id).desc()).limit(1)).first()
    if at is not None and now - at < REST:
        raise TooSoon


def compared(before: Examination, now: Examination) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """What is new, and what is mended. A look that came to nothing mends nothing: then nobody knows."""
    earlier, later = _troubles(before), _troubles(now)
    unknown = {
        one.subject for one in now.findings if one.code.endswith("could_not_ask") or one.topic == "doctor"
    }
    new = tuple(one for key, one in later.items() if key not in earlier)
    mended = tuple(one for key, one in earlier.items() if key not in later and one.subject not in unknown)
    return new, mended


def _troubles(found: Examination) -> dict[tuple[str, str], Finding]:
    return {(one.code, one.subject): one for one in found.findings if one.severity in TROUBLE}
