"""Many readers of an edition refused for good in the same words: more likely our fault than theirs, so a person looks first.

Twenty or more, and more than 3 % of all the relay accepted, or a tenth of the readers at that one domain. Those suppressed before it was
seen are let go again. A person suppresses them all, or dismisses the wave; what comes later in the same words goes the same way.
"""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from service.bounces import rows
from service.bounces.findings import Kind
from service.bounces.models import Action, Bounce, BounceWave, WaveState
from service.editions.models import Edition
from service.errors import Conflict, NotFound
from service.events import log
from service.ledger import alarms, progress
from service.ledger.models import Delivery
from service.newsletters.models import Newsletter
from service.suppressions import register
from service.suppressions.models import Reason, Suppression

LEAST = 20
OF_ALL = 0.03
OF_A_DOMAIN = 0.1
ACTOR = "the bounce reader"


class WaveNotFound(NotFound):
    """There is no such wave of bounces."""


class WaveDecided(Conflict):
    """Somebody has decided about this wave already."""


def found(session: Session, bounce: Bounce, *, now: datetime) -> BounceWave | None:
    """The wave that this permanent bounce is a part of, known or just seen."""
    if bounce.edition_id is None:
        return None
    wave = session.exec(_known(bounce)).first()
    if wave is not None or not _is_one(session, bounce):
        return wave
    return _begin(session, bounce, now=now)


def decide(
    session: Session, uid: uuid.UUID, *, suppresses: bool, pepper: str, actor: str, now: datetime
) -> BounceWave:
    """Suppress all of its readers, or none."""
    wave = session.exec(select(BounceWave).where(BounceWave.uid == uid).with_for_update()).first()
    if wave is None:
        raise WaveNotFound
    if wave.state is not WaveState.HELD:
        raise WaveDecided
    wave.state = WaveState.SUPPRESSED if suppresses else WaveState.DISMISSED
    wave.decided_at, wave.decided_by = now, actor[:120]
    session.add(wave)
    held = rows.of_wave(session, wave.edition_id, wave.words, (Action.HELD,))
    for bounce in held:
        if suppresses:
            suppress(session, bounce, pepper=pepper, now=now)
        else:
            bounce.action = Action.DISMISSED
        session.add(bounce)
    edition = session.get(Edition, wave.edition_id)
    subject = ("edition", edition.uid) if edition is not None else None
    facts = {"readers": len(held), "state": wave.state.value}
    log.record(session, "bounces.decided", actor=actor, now=now, subject=subject, facts=facts)
    return wave


def suppress(session: Session, bounce: Bounce, *, pepper: str, now: datetime) -> None:
    """Its address, with it as the evidence; the bounce remembers the entry only if it is its own."""
    bounce.action = Action.SUPPRESSED if bounce.address else Action.NONE
    if bounce.address:
        cause = register.Cause(
            Reason.BOUNCE, bounce.source, f"{bounce.reply or bounce.rule} (bounce {bounce.uid})"
        )
        entry = register.suppress(session, bounce.address, cause, pepper=pepper, now=now)
        bounce.suppression_id = entry.id if str(bounce.uid) in entry.evidence else None


def _known(bounce: Bounce) -> SelectOfScalar[BounceWave]:
    return select(BounceWave).where(
        BounceWave.edition_id == bounce.edition_id, BounceWave.words == bounce.words
    )


def _is_one(session: Session, bounce: Bounce) -> bool:
    same = (
        col(Bounce.edition_id) == bounce.edition_id,
        col(Bounce.words) == bounce.words,
        col(Bounce.kind) == Kind.PERMANENT,
        col(Bounce.action) != Action.KNOWN,
    )
    query = sa.select(
        sa.func.count(), sa.func.sum(sa.case((col(Bounce.domain) == bounce.domain, 1), else_=0))
    ).where(*same)
    count, here = (int(one or 0) for one in session.execute(query).one())
    if count < LEAST or bounce.edition_id is None:
        return False
    if count > OF_ALL * progress.of(session, bounce.edition_id).accepted:
        return True
    is_asked = here >= LEAST and here % LEAST == 0
    return is_asked and here > OF_A_DOMAIN * _readers_at(session, bounce)


def _readers_at(session: Session, bounce: Bounce) -> int:
    """Asked at every twentieth only: it reads all rows of the edition."""
    query = sa.select(sa.func.count()).where(
        col(Delivery.edition_id) == bounce.edition_id,
        sa.func.lower(col(Delivery.address)).endswith(f"@{bounce.domain}", autoescape=True),
    )
    return int(session.execute(query).scalar_one())


def _begin(session: Session, bounce: Bounce, *, now: datetime) -> BounceWave:
    assert bounce.edition_id is not None
    wave = BounceWave(edition_id=bounce.edition_id, words=bounce.words, reply=bounce.reply, found_at=now)
    try:
        with session.begin_nested():
            session.add(wave)
    except IntegrityError:  # another worker has just seen it, too, and does the rest
        return session.exec(_known(bounce)).one()
    earlier = rows.of_wave(session, bounce.edition_id, bounce.words, (Action.SUPPRESSED, Action.WAITS))
    for one in earlier:
        entry = session.get(Suppression, one.suppression_id) if one.suppression_id is not None else None
        if entry is not None:
            register.lift(session, entry, because="one of a wave of the same bounces", actor=ACTOR, now=now)
        one.action, one.suppression_id = Action.HELD, None
        session.add(one)
    _tell(session, bounce, len(earlier) + 1, now)
    return wave


def _tell(session: Session, bounce: Bounce, count: int, now: datetime) -> None:
    edition = session.get_one(Edition, bounce.edition_id)
    newsletter = session.get_one(Newsletter, edition.newsletter_id)
    text = (
        f"{count} readers of the edition of {edition.local_date} came back with the same words, and more may: {bounce.reply[:200]} "
        "Nobody is suppressed for it until somebody has looked."
    )
    alarms.ring(
        session, newsletter, subject="Many bounces say the same", text=text, path="/desk/bounces", now=now
    )
