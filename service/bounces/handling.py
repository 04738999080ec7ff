"""What comes of a finding: a bounce is written down, and where it is the reader's own, something follows. Once, however often it is told.

    permanent                    suppressed; one that needs a second is believed a day later; in a wave it is held for a person
    strike                       counts by edition (`strikes`), and suppresses when there are enough
    transient                    nothing, or a strike where the report says that it counts
    delay, auto-reply            nothing
    sender                       about us: an alarm, nobody is struck
    complaint                    the subscription ends at once, and the address is suppressed until its owner signs up anew
    unsubscribe                  the subscription ends at once

The same report again, or one about a delivery of which as much is known already, changes nothing: unique keys see to it.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service.bounces import matching, rows, standing, strikes, wave
from service.bounces.findings import Finding, Kind
from service.bounces.matching import Match, Means
from service.bounces.models import Action, Bounce, WaveState
from service.bounces.rows import Evidence
from service.editions.models import Edition
from service.ledger import alarms, returned
from service.ledger.returned import Return
from service.newsletters.models import Newsletter
from service.subscribers import optout
from service.subscribers.models import State, Subscription
from service.suppressions import register
from service.suppressions.models import Reason

SECOND_AFTER = timedelta(hours=24)
WEIGHTS = {
    Kind.SENDER: 1,
    Kind.TRANSIENT: 2,
    Kind.STRIKE: 3,
    Kind.PERMANENT: 4,
}  # what says: it did not arrive


@dataclass(frozen=True)
class _Case:
    bounce: Bounce
    finding: Finding
    match: Match
    pepper: str
    now: datetime


def apply(
    session: Session, finding: Finding, evidence: Evidence, means: Means, *, now: datetime
) -> Bounce | None:
    """Write it down and do what follows, in the caller's transaction; None if this very event was here before."""
    match = matching.find(session, finding, evidence.named, means, is_proved=evidence.is_proved)
    bounce = rows.enter(session, rows.made(finding, evidence, match, now=now))
    if bounce is None:
        return None
    case = _Case(bounce, finding, match, means.pepper, now)
    bounce.action = _followed(session, case)
    session.add(bounce)
    session.flush()
    return bounce


def _followed(session: Session, case: _Case) -> Action:
    follow = _FOLLOWS.get(case.finding.kind)
    if follow is None:
        return Action.NONE
    if not case.match.is_found:
        return Action.UNMATCHED
    kind = Kind.STRIKE if _is_strike(case.finding) else case.finding.kind
    if kind in WEIGHTS and case.match.delivery is not None:
        back = Return(kind.value, WEIGHTS[kind], case.bounce.status, case.bounce.reply, case.now)
        if not returned.note(session, *case.match.delivery, back):
            return Action.KNOWN
    return Action.NONE if case.match.is_for_staff else follow(session, case)


def _is_strike(finding: Finding) -> bool:
    """A mailbox that is full is a passing trouble, and counts all the same: nobody may ever empty it."""
    return finding.kind is Kind.STRIKE or (finding.kind is Kind.TRANSIENT and finding.strikes)


def _dead(session: Session, case: _Case) -> Action:
    if case.finding.needs_second and not _was_said_before(session, case):
        return Action.WAITS
    part_of = wave.found(session, case.bounce, now=case.now)
    if part_of is not None and part_of.state is not WaveState.SUPPRESSED:
        return Action.HELD if part_of.state is WaveState.HELD else Action.DISMISSED
    wave.suppress(session, case.bounce, pepper=case.pepper, now=case.now)
    return case.bounce.action


def _was_said_before(session: Session, case: _Case) -> bool:
    query = select(Bounce.id).where(
        Bounce.subscriber_id == case.match.subscriber_id,
        Bounce.kind == Kind.PERMANENT,
        Bounce.rule == case.bounce.rule,
        col(Bounce.at) <= case.now - SECOND_AFTER,
    )
    return case.match.subscriber_id is not None and session.exec(query.limit(1)).first() is not None


def _struck(session: Session, case: _Case) -> Action:
    if not _is_strike(case.finding) or case.match.subscriber_id is None or case.match.address is None:
        return Action.NONE
    failures = strikes.in_a_row(standing.of(session, case.match.subscriber_id, now=case.now), case.now)
    if not strikes.are_enough(failures):
        return Action.STRUCK
    wave.suppress(session, case.bounce, pepper=case.pepper, now=case.now)
    return case.bounce.action


def _ours(session: Session, case: _Case) -> Action:
    """The same about one edition is told once."""
    edition = session.get(Edition, case.match.edition_id) if case.match.edition_id is not None else None
    told = select(Bounce.id).where(
        Bounce.edition_id == case.match.edition_id,
        Bounce.rule == case.bounce.rule,
        Bounce.action == Action.ALARMED,
    )
    if edition is None or session.exec(told.limit(1)).first() is not None:
        return Action.NONE
    newsletter = session.get_one(Newsletter, edition.newsletter_id)
    text = (
        f"Messages of the edition of {edition.local_date} come back, and not because of their readers, who are not struck: "
        f"{case.bounce.reply[:300] or case.bounce.rule}"
    )
    alarms.ring(
        session, newsletter, subject="Messages come back because of us", text=text, path="/desk/bounces", now=case.now
    )  # fmt: skip
    return Action.ALARMED


def _complained(session: Session, case: _Case) -> Action:
    action = _left(session, case)
    if case.match.address is not None:
        said = f"{case.finding.feedback or 'complaint'} (bounce {case.bounce.uid})"
        cause = register.Cause(Reason.COMPLAINT, case.bounce.source, said)
        entry = register.suppress(session, case.match.address, cause, pepper=case.pepper, now=case.now)
        case.bounce.suppression_id = entry.id if str(case.bounce.uid) in entry.evidence else None
    return action


def _left(session: Session, case: _Case) -> Action:
    """The one subscription that it names; where only the reader is known, all of theirs."""
    method = "complaint" if case.finding.kind is Kind.COMPLAINT else "mail"
    uids = (
        [case.match.subscription_uid] if case.match.subscription_uid else _subscriptions(session, case.match)
    )
    for uid in uids:
        optout.end(session, uid, method=method, now=case.now)
    return Action.ENDED if uids else Action.NONE


def _subscriptions(session: Session, match: Match) -> list[uuid.UUID]:
    query = sa.select(col(Subscription.uid)).where(
        col(Subscription.subscriber_id) == match.subscriber_id, col(Subscription.state) != State.ENDED
    )
    return list(session.execute(query).scalars()) if match.subscriber_id is not None else []


_FOLLOWS: dict[Kind, Callable[[Session, _Case], Action]] = {
    Kind.PERMANENT: _dead,
    Kind.STRIKE: _struck,
    Kind.TRANSIENT: _struck,
    Kind.SENDER: _ours,
    Kind.COMPLAINT: _complained,
    Kind.UNSUBSCRIBE: _left,
}
