"""The canary: a few readers and the newsroom's own mailboxes go first, and the rest follows unless too many of them are refused.

All of it is in the rows: the run says up to which number it is written out, and when the rest may follow. So it outlives whoever sends,
and of several workers one decides, under the run's lock.
"""

from collections import Counter
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from service import addresses, database
from service.delivery import canary_rules, halting, outcome, samples, waves
from service.delivery.canary_rules import Tally, Verdict
from service.delivery.halting import Halt
from service.delivery.samples import SEED
from service.editions.models import Edition
from service.events import log
from service.ledger import notices
from service.ledger.fanout import Canary
from service.ledger.models import OPEN, Delivery, DeliveryState, Lane, Notice, NoticeState, Run
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.rendering.rendition import Rendition as Made
from service.subscribers import queries as subscribers

ACTOR = "the canary"
SEEDS_NAMED = 3


def wanted(newsletter: Newsletter, readers: int, lane: Lane) -> Canary | None:
    """Breaking news does not wait: there a minute counts for more than what a minute tells."""
    rules = publication.canary_rules(newsletter)
    if lane is Lane.BREAKING or not rules.applies_to(readers):
        return None
    return Canary(rules.first_count, timedelta(seconds=rules.wait_seconds), rules.refused_percent)


def queue_seeds(
    session: Session, newsletter: Newsletter, edition: Edition, made: Made, *, base_url: str, now: datetime
) -> None:
    """As notices, for they are no readers. One who reads this newsletter gets it in their turn, and not twice."""
    for wire in publication.canary_rules(newsletter).seeds:
        person = subscribers.subscriber_of_key(session, addresses.parse(wire).key)
        if person is not None and subscribers.is_active_anywhere(session, person.id):
            continue
        payload = {"from": newsletter.from_address}
        notice = notices.queue(session, SEED, address=wire, payload=payload, now=now, subject_id=edition.id)
        notice.message = samples.message(made, newsletter, wire, base_url=base_url, now=now, kind=SEED)
        session.add(notice)


def decidable(session: Session) -> list[int]:
    """Editions of which something can be said now; asking costs no write."""
    now = database.now(session)
    return [
        run.edition_id for run in session.exec(_waiting()) if _verdict(session, run, now) is not Verdict.WAIT
    ]


def decide(session: Session, edition_id: int, *, now: datetime) -> Verdict | None:
    """Let the rest follow, or pause the edition. None: somebody else has decided, or is at it."""
    run = session.exec(_waiting(edition_id)).first()
    if run is None:
        return None
    verdict = _verdict(session, run, database.now(session))
    if verdict is Verdict.WAIT:
        return verdict
    tally, first = _tally(session, run), run.canary_rows
    edition = session.get_one(Edition, edition_id)
    run.canary_rows = None
    session.add(run)
    session.flush()
    if verdict is Verdict.STOP:
        _stop(session, run, edition, tally, now)
    else:
        facts = {"first": first, "refused": tally.refused}
        log.record(session, "edition.canary_passed", actor=ACTOR, now=now, subject=("edition", edition.uid), facts=facts)  # fmt: skip
    return verdict


def _stop(session: Session, run: Run, edition: Edition, tally: Tally, now: datetime) -> None:
    said, wave = _most_said(session, run)
    seeds = _refused_seeds(session, run)
    quoted = f" Most often: {said[:200]}." if said else ""
    own = f" Of your own mailboxes: {_listed(seeds)}." if seeds else ""
    again = "those refused are tried again" if tally.refused > len(seeds) else "the rest follows"
    reason = (
        f"Of the first {tally.size:,} who got it {tally.refused:,} were refused, more than {run.canary_percent} %, so the rest "
        f"waits.{quoted}{own} Once it is mended, resume: {again}{', but for your own mailboxes' if seeds else ''}"
    )
    subject = f"stopped after the first {tally.size:,} readers"
    halting.halt(session, edition.uid, Halt(reason, ACTOR, wave=wave, subject=subject), now=now)


def _waiting(edition_id: int | None = None) -> SelectOfScalar[Run]:
    """Runs whose rest waits; one of them locked, or none while another worker has it."""
    query = select(Run).where(
        col(Run.canary_rows).is_not(None), col(Run.stopped).is_(None), col(Run.ended_at).is_(None)
    )
    if edition_id is None:
        return query
    locked = query.where(col(Run.edition_id) == edition_id).with_for_update(skip_locked=True)
    return locked.execution_options(populate_existing=True)


def _verdict(session: Session, run: Run, now: datetime) -> Verdict:
    if not run.is_fanned_out and run.last_number < (run.canary_rows or 0):
        return Verdict.WAIT
    is_over = run.canary_until is None or run.canary_until <= now
    return canary_rules.judged(_tally(session, run), percent=run.canary_percent, is_over=is_over)


def _tally(session: Session, run: Run) -> Tally:
    query = sa.select(col(Delivery.state), sa.func.count()).where(*_first(run)).group_by(col(Delivery.state))
    counts = {DeliveryState(state): int(count) for state, count in session.execute(query)}
    seeds = sa.select(col(Notice.state), sa.func.count()).where(
        col(Notice.kind) == SEED, col(Notice.subject_id) == run.edition_id
    )
    sown = {
        NoticeState(state): int(count) for state, count in session.execute(seeds.group_by(col(Notice.state)))
    }
    return Tally(
        size=sum(counts.values()) + sum(sown.values()),
        open=sum(counts.get(state, 0) for state in OPEN) + sown.get(NoticeState.QUEUED, 0),
        refused=counts.get(DeliveryState.REFUSED, 0) + sown.get(NoticeState.REFUSED, 0),
    )


def _first(run: Run) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(Delivery.edition_id) == run.edition_id,
        col(Delivery.number) <= (run.canary_rows or run.last_number),
    )


def _most_said(session: Session, run: Run) -> tuple[str, str | None]:
    """A reply that stands for most refusals, and their wave: who was refused so is tried again when the edition is resumed."""
    query = sa.select(col(Delivery.address), col(Delivery.reply)).where(
        *_first(run), col(Delivery.state) == DeliveryState.REFUSED
    )
    replies = {address: reply or "" for address, reply in session.execute(query)}
    said: Counter[str] = Counter(_wave(reply, address) for address, reply in replies.items())
    if not said:
        return "", None
    wave, _ = said.most_common(1)[0]
    return next(reply for address, reply in replies.items() if _wave(reply, address) == wave), wave


def _refused_seeds(session: Session, run: Run) -> list[tuple[str, str]]:
    """The addresses that are no readers', with what the relay said of them."""
    query = sa.select(col(Notice.address), col(Notice.reply)).where(
        col(Notice.kind) == SEED,
        col(Notice.subject_id) == run.edition_id,
        col(Notice.state) == NoticeState.REFUSED,
    )
    return [
        (address, reply or "refused") for address, reply in session.execute(query.order_by(col(Notice.id)))
    ]


def _listed(seeds: list[tuple[str, str]]) -> str:
    named = "; ".join(f"{address} ({reply[:80]})" for address, reply in seeds[:SEEDS_NAMED])
    more = len(seeds) - SEEDS_NAMED
    return f"{named}; and {more:,} more" if more > 0 else named


def _wave(reply: str, address: str) -> str:
    if outcome.stops_the_edition(outcome.of_recorded(reply)):
        return waves.OF_THE_MESSAGE
    return waves.words(reply, address)
