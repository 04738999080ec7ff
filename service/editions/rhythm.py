"""The rhythm in which a newsletter appears: one cadence for each regular slot of a day, with its next run stored in UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice

from sqlmodel import Session

from service.editions import queries, recurrence
from service.editions.models import Cadence
from service.editions.recurrence import CadenceInvalid, Rule
from service.errors import NotFound
from service.events import log
from service.newsletters.models import Newsletter

MOST_SLOTS = 12


class CadenceNotFound(NotFound):
    """This newsletter has no such regular slot."""


@dataclass(frozen=True)
class Rhythm:
    """As a person says it: `weekdays` by name, `local_time` as 06:00, in the newsletter's zone. Automatic: if no edition
    is ready by then, one is made from what is new.
    """

    weekdays: str
    local_time: str
    is_automatic: bool = False
    slot: int = 1


def set_cadence(
    session: Session, newsletter: Newsletter, rhythm: Rhythm, *, now: datetime, actor: str
) -> Cadence:
    rule = recurrence.read_rule(rhythm.weekdays, rhythm.local_time, newsletter.time_zone)
    if not 1 <= rhythm.slot <= MOST_SLOTS:
        raise CadenceInvalid(f"Slots are numbered 1 to {MOST_SLOTS}.", field="slot")
    session.exec(queries.lock_newsletter(newsletter.id)).one()
    cadence = queries.cadence_of(session, newsletter.id, rhythm.slot) or Cadence(
        newsletter_id=newsletter.id,
        slot=rhythm.slot,
        weekdays="",
        local_time=rule.local_time,
        time_zone=newsletter.time_zone,
        next_date=now.date(),
        next_run_at=now,
    )
    cadence.weekdays = ",".join(recurrence.read_weekdays(rhythm.weekdays))
    cadence.local_time, cadence.time_zone = rule.local_time, newsletter.time_zone
    cadence.is_automatic = rhythm.is_automatic
    _start_after(session, cadence, now)
    _record(session, newsletter, cadence, "cadence.set", now, actor)
    return cadence


def end_cadence(session: Session, newsletter: Newsletter, slot: int, *, now: datetime, actor: str) -> None:
    cadence = queries.cadence_of(session, newsletter.id, slot)
    if cadence is None:
        raise CadenceNotFound
    session.delete(cadence)
    session.flush()
    _record(session, newsletter, cadence, "cadence.ended", now, actor)


def follow_zone(session: Session, newsletter: Newsletter, *, now: datetime, actor: str) -> None:
    """After a change of the newsletter's zone: regular slots keep their time on the wall, of the new zone. Editions that are
    scheduled keep their moment.
    """
    for cadence in queries.cadences_of(session, newsletter.id):
        if cadence.time_zone != newsletter.time_zone:
            cadence.time_zone = newsletter.time_zone
            _start_after(session, cadence, now)
            _record(session, newsletter, cadence, "cadence.set", now, actor)


def rule_of(cadence: Cadence) -> Rule:
    days = frozenset(recurrence.NAMES.index(name) for name in cadence.weekdays.split(","))
    return Rule(days, cadence.local_time, recurrence.read_zone(cadence.time_zone))


def next_dates(cadence: Cadence, count: int) -> list[tuple[date, datetime]]:
    """The stored next run and those that follow it."""
    return list(islice(planned_runs(cadence), count))


def planned_runs(cadence: Cadence) -> Iterator[tuple[date, datetime]]:
    """From the stored date on. Counted from the date, for a zone's rules may have changed since it was stored."""
    first = recurrence.moment_of(
        cadence.next_date, cadence.local_time, recurrence.read_zone(cadence.time_zone)
    )
    return recurrence.runs(rule_of(cadence), first - timedelta(seconds=1))


def dates_before_saving(
    rhythm: Rhythm, zone: str, *, now: datetime, count: int = 3
) -> list[tuple[date, datetime]]:
    return list(
        islice(recurrence.runs(recurrence.read_rule(rhythm.weekdays, rhythm.local_time, zone), now), count)
    )


def _start_after(session: Session, cadence: Cadence, now: datetime) -> None:
    """The first run whose slot nothing has become of yet; so a changed rhythm never runs a slot again."""
    for day, moment in recurrence.runs(rule_of(cadence), now):
        if queries.occurrence(session, cadence.newsletter_id, day, cadence.slot) is None:
            cadence.next_date, cadence.next_run_at = day, moment
            break
    session.add(cadence)
    session.flush()


def _record(
    session: Session, newsletter: Newsletter, cadence: Cadence, name: str, now: datetime, actor: str
) -> None:
    facts = {
        "slot": cadence.slot,
        "weekdays": cadence.weekdays,
        "local_time": f"{cadence.local_time:%H:%M}",
        "time_zone": cadence.time_zone,
        "is_automatic": cadence.is_automatic,
    }
    log.record(session, name, actor=actor, now=now, subject=("newsletter", newsletter.uid), facts=facts)
