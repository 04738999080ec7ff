"""How an edition begins at the desk: by a rhythm that an editor sets, from what is new, or from articles picked by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from sqlmodel import Session

from service import pages
from service.articles import queries as articles
from service.articles.models import Article
from service.editions import composition, occurrences, queries, recurrence
from service.editions.models import Cadence, Edition
from service.errors import Invalid
from service.newsletters import publication
from service.newsletters.models import Newsletter

WEEKDAYS = recurrence.NAMES
DATES_SHOWN = 5
USUAL = ("mon", "tue", "wed", "thu", "fri")


class NothingChosen(Invalid):
    """Please tick at least one article first."""


@dataclass(frozen=True)
class Rhythm:
    """Weekdays and time as an editor typed them."""

    weekdays: tuple[str, ...]
    at: str
    is_automatic: bool


def rhythm_of(cadence: Cadence | None) -> Rhythm:
    if cadence is None:
        return Rhythm(USUAL, "06:00", False)
    return Rhythm(
        recurrence.read_weekdays(cadence.weekdays), f"{cadence.local_time:%H:%M}", cadence.is_automatic
    )


def next_dates(rhythm: Rhythm, zone: str, now: datetime) -> list[datetime]:
    rule = recurrence.read_rule(",".join(rhythm.weekdays), rhythm.at, zone)
    return [moment for _, moment in islice(recurrence.runs(rule, now), DATES_SHOWN)]


def keep_rhythm(session: Session, slug: str, rhythm: Rhythm, *, now: datetime, actor: str) -> str:
    newsletter = publication.get(session, slug)
    cadence = occurrences.set_cadence(
        session,
        newsletter,
        weekdays=",".join(rhythm.weekdays),
        local_time=rhythm.at,
        is_automatic=rhythm.is_automatic,
        now=now,
        actor=actor,
    )
    return f"The cadence is saved. Next: {pages.local(cadence.next_run_at, newsletter.time_zone)}."
