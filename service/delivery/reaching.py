"""A relay that cannot be reached: is it the relay, or is it only this worker? Others who were accepted lately are asked, by what the
ledger has of them anyway. (`standing_by` has what follows.)
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.delivery import choosing, notice_rows, outcome, relay_trial, relays, spans
from service.delivery.models import Relay
from service.delivery.office import Office
from service.delivery.outcome import Outcome, Scope
from service.delivery.standing_by import WITNESS_SECONDS
from service.ledger.models import Delivery, DeliveryState, Run, Span

BEHIND_IT = frozenset({Scope.PROVIDER, Scope.SENDER})
ASKED_MOST = 50  # spans of others: a worker holds three


@dataclass(frozen=True)
class FromHere:
    """Who could not reach it. `was_accepted`: this process was, lately. `lasts`: for so long it has stood by already."""

    holder: str
    was_accepted: bool
    lasts: timedelta


async def note_out_of_reach(office: Office, problem: str) -> None:
    """No connection, or a broken one. While others get through it is this worker's own matter."""
    own, name = office.standing_by, office.relay.name
    if own.is_waiting(name):
        return
    lasts = timedelta(seconds=min(own.seconds(name), WITNESS_SECONDS))
    here = FromHere(office.holder, own.was_accepted(name), lasts)
    if office.is_alone:
        await office.database.write(relays.note_problem, name, problem, is_down=True)
    elif await office.database.write(note_unless_others_get_through, name, problem, here):
        own.begin(name, problem)
    else:
        own.end(name)


def is_of_the_relay(office: Office, judged: Outcome) -> bool:
    """Whether its clock moves. That a provider behind it, or one reader's organisation, does not want us says nothing of the relay as
    long as most others are accepted.
    """
    is_behind_it = judged.scope in BEHIND_IT and office.figures.are_mostly_accepted
    return outcome.moves_the_relays_clock(judged) and not is_behind_it


async def note_reply(office: Office, judged: Outcome) -> None:
    """What the relay itself said stops everybody; a connection that broke without a word may be our own network's."""
    is_down = outcome.is_out_of_reach(judged)
    if is_down and not judged.reply.code:
        await note_out_of_reach(office, str(judged.reply))
    else:
        name = office.relay.name
        await office.database.write(relays.note_problem, name, str(judged.reply), is_down=is_down)


async def may_try(office: Office) -> bool:
    """Whether it is time to, for one that stands by: its wait is over, and there is something to send. Nothing is said to the relay."""
    own, name = office.standing_by, office.relay.name
    if not own.has_to_ask(name):
        return True
    return not own.is_waiting(name) and await office.database.read(_is_anything_due, name)


async def may_take(office: Office) -> bool:
    """Whether this worker gets through, as far as it knows. One that stands by asks first, and holds nobody's messages meanwhile.

    To ask takes a connection: have a seat for it.
    """
    own, name = office.standing_by, office.relay.name
    if not own.has_to_ask(name):
        return True
    if own.is_waiting(name):
        return False
    with own.asking(name) as is_ours:
        if not is_ours:
            return False
        problem = await relay_trial.lets_us_in(office.relay, office.clock)
        if problem is not None:
            await note_out_of_reach(office, problem)
            return False
    own.let_in(name)
    return True


def note_unless_others_get_through(session: Session, name: str, problem: str, here: FromHere) -> bool:
    """True: others get through, and nothing was noted."""
    if others_get_through(session, here):
        return True
    relays.note_problem(session, name, problem, is_down=True, lasts=here.lasts)
    return False


def others_get_through(session: Session, here: FromHere) -> bool:
    connection, now = session.connection(), database.now(session)
    since = _since(session, now)
    lately = {"the_since": since, "the_until": now + choosing.STALE}
    wanted = {"the_holder": here.holder, "the_stale": now - choosing.STALE, "the_until": lately["the_until"]}
    held = connection.execute(_HELD_BY_OTHERS, wanted)
    for edition_id, first, last in held.all():
        values = {"the_edition": edition_id, "the_first": first, "the_last": last, **lately}
        if connection.execute(_ACCEPTED, values).first() is not None:
            return True
    if here.was_accepted:
        return False  # a span that was let go no longer says whose it was
    for edition_id in connection.execute(_UNDER_WAY).scalars().all():
        values = {"the_edition": edition_id, **lately}
        if connection.execute(_SOMEBODY_WAS, values).first() is not None:
            return True
    return False


def _since(session: Session, now: datetime) -> datetime:
    """What was accepted before another relay came into use says nothing of this one."""
    since = now - timedelta(seconds=WITNESS_SECONDS)
    for column in (Relay.handed_over_at, Relay.returned_at):
        latest = session.scalar(sa.select(sa.func.max(column)))
        since = max(since, latest or since)
    return since


def _is_anything_due(session: Session, name: str) -> bool:
    return bool(spans.due(session, name, limit=1)) or notice_rows.due(session, name)


_SINCE = sa.bindparam("the_since", type_=database.UtcDateTime())
_UNTIL = sa.bindparam(
    "the_until", type_=database.UtcDateTime()
)  # what lies ahead was written before the clock went back
_HELD_BY_OTHERS = (
    sa.select(col(Span.edition_id), col(Span.first), col(Span.last))
    .select_from(Run)
    .join(Span, col(Span.edition_id) == col(Run.edition_id))
    .where(
        col(Run.ended_at).is_(None),
        col(Span.renewed_at).between(sa.bindparam("the_stale", type_=database.UtcDateTime()), _UNTIL),
        col(Span.holder) != sa.bindparam("the_holder"),
    )
    .order_by(col(Span.renewed_at).desc())
    .limit(ASKED_MOST)
)
_ACCEPTED = (
    sa.select(col(Delivery.number))
    .where(
        col(Delivery.edition_id) == sa.bindparam("the_edition"),
        col(Delivery.number) >= sa.bindparam("the_first"),
        col(Delivery.number) < sa.bindparam("the_last"),
        col(Delivery.state) == DeliveryState.ACCEPTED,
        col(Delivery.at).between(_SINCE, _UNTIL),
    )
    .order_by(col(Delivery.number))
    .limit(1)
)
_UNDER_WAY = sa.select(col(Run.edition_id)).where(col(Run.ended_at).is_(None))
_SOMEBODY_WAS = sa.select(col(Span.id)).where(
    col(Span.edition_id) == sa.bindparam("the_edition"), col(Span.last_accepted_at).between(_SINCE, _UNTIL)
)
