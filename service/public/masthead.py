"""What every page of a newsletter shows of it, and when it appears, in words."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.editions import recurrence
from service.editions.models import Cadence
from service.languages import noted
from service.newsletters import web
from service.newsletters.models import Newsletter
from service.rendering import colours, direction
from service.rendering.colours import Accent

if TYPE_CHECKING:
    from service.languages.speaking import Words

_NAMES = (
    noted("Mondays"),
    noted("Tuesdays"),
    noted("Wednesdays"),
    noted("Thursdays"),
    noted("Fridays"),
    noted("Saturdays"),
    noted("Sundays"),
)


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


def appears(cadence: Cadence, words: "Words") -> str:
    """In words, e.g. `Every weekday at 6:00 AM, New York time`."""
    days = [recurrence.NAMES.index(name) for name in recurrence.read_weekdays(cadence.weekdays)]
    at = {"time": words.time(cadence.local_time), "place": words.place(cadence.time_zone)}
    if len(days) == len(_NAMES):
        return words.say("Every day at {time}, {place} time", **at)
    if days == [0, 1, 2, 3, 4]:
        return words.say("Every weekday at {time}, {place} time", **at)
    names = words.joined([words.translated(_NAMES[day]) for day in days])
    return words.say("{days} at {time}, {place} time", days=names, **at)
