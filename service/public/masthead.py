"""What every page of a newsletter shows of it, and when it appears, in words."""

from dataclasses import dataclass
from datetime import time

from service.editions import recurrence
from service.editions.models import Cadence
from service.newsletters import web
from service.newsletters.models import Newsletter
from service.rendering import colours, direction
from service.rendering.colours import Accent

_NAMES = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


@dataclass(frozen=True)
class Masthead:
    slug: str
    name: str
    description: str
    publisher: str
    postal_address: str
    language: str
    direction: str
    accent: Accent
    wording: str
    is_open: bool
    is_on_web: bool  # for everybody: pages, archive, feed


def of(newsletter: Newsletter) -> Masthead:
    return Masthead(
        slug=newsletter.slug,
        name=newsletter.name,
        description=newsletter.description,
        publisher=newsletter.from_name,
        postal_address=newsletter.postal_address,
        language=newsletter.language,
        direction=direction.of_language(newsletter.language),
        accent=colours.accent(newsletter.accent),
        wording=newsletter.consent_wording,
        is_open=newsletter.is_open,
        is_on_web=web.is_public(newsletter),
    )


def appears(cadence: Cadence) -> str:
    """In words, e.g. `Every weekday at 6:00 a.m., New York time`."""
    days = [recurrence.NAMES.index(name) for name in recurrence.read_weekdays(cadence.weekdays)]
    place = cadence.time_zone.rpartition("/")[2].replace("_", " ")
    return f"{_in_words(days)} at {_clock(cadence.local_time)}, {place} time"


def _in_words(days: list[int]) -> str:
    if len(days) == len(_NAMES):
        return "Every day"
    if days == [0, 1, 2, 3, 4]:
        return "Every weekday"
    if days == [5, 6]:
        return "Saturdays and Sundays"
    names = [_NAMES[day] for day in days]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _clock(wall: time) -> str:
    return f"{wall.hour % 12 or 12}:{wall.minute:02d} {'a.m.' if wall.hour < 12 else 'p.m.'}"
