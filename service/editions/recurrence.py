"""When a newsletter regularly appears. Pure: weekday names, wall-clock time and zone in, dates and UTC moments out.

The wall clock rules (RFC 5545 §3.3.10 in spirit). Clocks put forward: a time that does not exist is moved on by the gap, 02:30
becomes 03:30. Clocks put back: a time that comes twice counts the first time only. So each local date has one run, and one only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.errors import Invalid

NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FULL = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_GROUPS = {"weekdays": NAMES[:5], "weekends": NAMES[5:], "daily": NAMES}
_SEPARATORS = re.compile(r"[\s,;]+")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\Z")


class CadenceInvalid(Invalid):
    """This rhythm cannot be used."""


@dataclass(frozen=True)
class Rule:
    weekdays: frozenset[int]
    local_time: time
    zone: ZoneInfo


def read_rule(weekdays: str, local_time: str, zone: str) -> Rule:
    return Rule(frozenset(map(NAMES.index, read_weekdays(weekdays))), read_clock(local_time), read_zone(zone))


def read_weekdays(text: str) -> tuple[str, ...]:
    """`mon,wed`, `weekdays`, `weekends` or `daily`, in the order of the week. Numbers mean Monday to some and Sunday to others."""
    words = [word for word in _SEPARATORS.split(text.strip().lower()) if word]
    if not words:
        raise CadenceInvalid("Name the weekdays, for example mon,tue,wed,thu,fri.", field="weekdays")
    chosen: set[str] = set()
    for word in words:
        if word in _GROUPS:
            chosen.update(_GROUPS[word])
        elif word in NAMES or word in _FULL:
            chosen.add(word[:3])
        else:
            raise CadenceInvalid(
                f"“{word}” is not understood. Give weekdays by name, for example mon,tue,wed,thu,fri, "
                "or write weekdays, weekends or daily.",
                field="weekdays",
            )
    return tuple(name for name in NAMES if name in chosen)


def read_clock(text: str) -> time:
    match = _CLOCK.match(text.strip())
    if match is None:
        raise CadenceInvalid("Give the time as hours and minutes, for example 06:00.", field="local_time")
    return time(int(match.group(1)), int(match.group(2)))


def read_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise CadenceInvalid(
            "This is no time zone. Give its IANA name, for example Europe/Berlin.", field="time_zone"
        ) from error


def moment_of(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The UTC moment of a wall-clock time: moved on by a gap, the first of two.

    fold=0 takes the offset before the change, which does both (PEP 495).
    """
    return datetime.combine(day, clock.replace(fold=0), tzinfo=zone).astimezone(UTC)


def next_run(rule: Rule, after: datetime) -> tuple[date, datetime]:
    """The first run later than that moment: its local date and its UTC moment."""
    return next(runs(rule, after))


def runs(rule: Rule, after: datetime) -> Iterator[tuple[date, datetime]]:
    # From the day before: a run in a gap before midnight belongs to the date it was planned for.
    day = after.astimezone(rule.zone).date() - timedelta(days=1)
    while True:
        if day.weekday() in rule.weekdays and _exists(day, rule):
            moment = moment_of(day, rule.local_time, rule.zone)
            if moment > after:
                yield day, moment
        day += timedelta(days=1)


def _exists(day: date, rule: Rule) -> bool:
    """Whole days have been left out where a country crossed the date line, such as 30 December 2011 in Apia."""
    shown = moment_of(day, rule.local_time, rule.zone).astimezone(rule.zone)
    return shown.date() == day or shown.time() != rule.local_time
