"""Which relay is in use: the main one, or its fallback while the main one is out of reach.

    out of reach for `patience`   the fallback stands in: one row says so (`handed_over_at`), and every worker follows it
    the main one answers again    back

MEMO_RELAY_URL, where it is set, names the main relay, whatever else is in the table. Only failures of the relay as a whole count
(`outcome.is_out_of_reach`); what is uncertain stays uncertain, and goes again once, with the same bytes, through whichever is in use.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from service import database
from service.delivery.models import Relay, Role
from service.editions.models import Edition
from service.events import log
from service.ledger import alarms
from service.ledger.models import Run
from service.newsletters.models import Newsletter

FAILURES_LEAST = 2
RELAPSE_WITHIN = timedelta(minutes=15)
RELAPSE_PATIENCE = timedelta(seconds=10)
ACTOR = "the worker"


def in_order(session: Session, setting: str | None = None) -> tuple[Relay | None, Relay | None]:
    """The main relay and its fallback.

    `setting` is the name of the one that this process's own MEMO_RELAY_URL tells, empty without: other processes may have been
    started with another. None: as the desk sees it, by what the last worker to start has said.
    """
    found = session.exec(select(Relay).where(col(Relay.host) != "").order_by(col(Relay.id))).all()
    told = [one for one in found if one.is_from_setting]
    told = [one for one in told if (one.role is Role.MAIN if setting is None else one.name == setting)]
    ours = [one for one in found if one.role is Role.MAIN and not one.is_from_setting]
    fallback = next((one for one in found if one.role is Role.FALLBACK), None)
    return next(iter(told + ours), None), fallback


def used(session: Session) -> Relay | None:
    """The one that messages go through now, as the desk sees it."""
    main, fallback = in_order(session)
    return fallback if main is not None and fallback is not None and main.handed_over_at is not None else main


@dataclass(frozen=True)
class InUse:
    main: Relay | None
    fallback: Relay | None
    is_handed_over: bool
    is_given_up: bool  # it is time to hand over
    main_rests: bool  # its clock says later: it is not asked again yet
    is_none_registered: bool  # then the built-in mailbox may take what there is


def in_use(session: Session, setting: str, *, patience: timedelta) -> InUse:
    main, fallback = in_order(session, setting)
    if main is None or fallback is None:
        is_none = main is None and not has_any(session)
        return InUse(
            main,
            fallback,
            is_handed_over=False,
            is_given_up=False,
            main_rests=False,
            is_none_registered=is_none,
        )
    now = database.now(session)
    is_handed_over = main.handed_over_at is not None
    return InUse(
        main,
        fallback,
        is_handed_over=is_handed_over,
        is_given_up=not is_handed_over and is_given_up(main, now, patience),
        main_rests=main.wait_until is not None and main.wait_until > now,
        is_none_registered=False,
    )


def has_any(session: Session) -> bool:
    """Whether somebody has entered a relay. Whoever has, means real readers: the built-in mailbox must not swallow their messages."""
    entered = select(Relay.id).where(col(Relay.host) != "", col(Relay.is_from_setting).is_(False)).limit(1)
    return session.exec(entered).first() is not None


def is_given_up(relay: Relay, now: datetime, patience: timedelta) -> bool:
    """Whether it has been out of reach long enough; sooner if it has only just come back. One that a person has paused is not."""
    if relay.paused_because is not None or relay.down_since is None or relay.failures < FAILURES_LEAST:
        return False
    is_relapse = relay.returned_at is not None and relay.down_since - relay.returned_at < RELAPSE_WITHIN
    return now - relay.down_since >= (min(patience, RELAPSE_PATIENCE) if is_relapse else patience)


def hand_over(session: Session, uid: UUID, *, patience: timedelta, moment: datetime) -> bool:
    """Let the fallback stand in, if it still has to. False: the main relay answered meanwhile, or somebody else has done it."""
    main = session.exec(_locked(uid)).first()
    if (
        main is None
        or main.handed_over_at is not None
        or not is_given_up(main, database.now(session), patience)
    ):
        return False
    _, fallback = in_order(session)
    if fallback is None:
        return False
    main.handed_over_at = database.now(session)
    session.add(main)
    facts = {"from": main.name, "to": fallback.name, "problem": main.problem}
    _record(session, "relay.handed_over", main, facts, moment)
    said = f" The last thing it said: {main.problem}" if main.problem else ""
    text = f"Messages go through {fallback.name} until it answers again. Nothing is lost.{said}"
    _tell(session, f"The relay {main.name} is out of reach", text, moment)
    return True


def bring_back(session: Session, uid: UUID, *, moment: datetime) -> bool:
    """The main relay answers again."""
    main = session.exec(_locked(uid)).first()
    if main is None:
        return False
    was_away = main.handed_over_at is not None
    main.failures = 0
    main.problem = main.since = main.wait_until = main.down_since = main.handed_over_at = None
    if was_away:
        main.returned_at = database.now(session)
        _record(session, "relay.returned", main, {"to": main.name}, moment)
        _tell(session, f"The relay {main.name} answers again", "Messages go through it, as before.", moment)
    session.add(main)
    return was_away


def _record(session: Session, name: str, main: Relay, facts: dict[str, str | None], moment: datetime) -> None:
    """In the relay's own log, and in that of every edition under way: which relay took what can be told from the times."""
    log.record(session, name, actor=ACTOR, now=moment, subject=("relay", main.uid), facts=facts)
    for edition in session.exec(_under_way()):
        log.record(session, name, actor=ACTOR, now=moment, subject=("edition", edition.uid), facts=facts)


def _tell(session: Session, subject: str, text: str, moment: datetime) -> None:
    """Each newsroom that has an edition under way, once."""
    for newsletter_id in dict.fromkeys(edition.newsletter_id for edition in session.exec(_under_way())):
        newsletter = session.get_one(Newsletter, newsletter_id)
        alarms.ring(session, newsletter, subject=subject, text=text, path="/desk/relays", now=moment)


def _under_way() -> SelectOfScalar[Edition]:
    joined = select(Edition).join(Run, col(Run.edition_id) == col(Edition.id))
    return joined.where(col(Run.ended_at).is_(None)).order_by(col(Edition.id))


def _locked(uid: UUID) -> SelectOfScalar[Relay]:
    return select(Relay).where(Relay.uid == uid).with_for_update()
