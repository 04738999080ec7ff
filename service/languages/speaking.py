"""One language's words for what we say ourselves, with its plurals, dates and numbers by Unicode CLDR (through Babel).

A language without a catalogue gets English words; only its dates are still its own.
"""

import datetime
import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import core, dates, lists, numbers
from babel.core import Locale, UnknownLocaleError, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from markupsafe import Markup, escape

# Pages are made on the loop, editions in threads, and what one lets go of another may be reading.
_READING = threading.Lock()
FOLDER = Path(__file__).parent
SOURCE = "en"
_DIGITS = {"arab": "٠١٢٣٤٥٦٧٨٩", "arabext": "۰۱۲۳۴۵۶۷۸۹"}


@dataclass(frozen=True)
class Words:
    """`language` is the tag of what is said: the one that was asked for, or `en` where there is no catalogue of it."""

    language: str
    locale: Locale
    own_locale: Locale
    catalogue: NullTranslations

    def say(self, text: str, **values: object) -> str:
        """A text of the source, translated, with its values in place. Among values that are markup all others are escaped."""
        return _filled(self.catalogue.gettext(text), values)

    def count(self, one: str, many: str, n: int, **values: object) -> str:
        """The form for that number, which stands in the text as `{n}`."""
        return _filled(self.catalogue.ngettext(one, many, n), {"n": self.number(n), **values})

    def translated(self, text: str, usual: str = "") -> str:
        """A text as it is, without places for values; one that no catalogue has gives way to the usual one in translation."""
        found = self.catalogue.gettext(text) if text else ""
        is_missing = found == text and isinstance(self.catalogue, GNUTranslations)
        return self.catalogue.gettext(usual) if is_missing and usual else found

    def date(self, day: datetime.date) -> str:
        return _in_digits(dates.format_date(day, "full", self.own_locale), self.own_locale)

    def time(self, wall: datetime.time) -> str:
        return _in_digits(dates.format_time(wall, "short", locale=self.locale), self.locale)

    def number(self, n: int) -> str:
        return _in_digits(
            numbers.format_decimal(n, locale=self.locale, numbering_system="default"), self.locale
        )

    def place(self, zone: str) -> str:
        """The city that a time zone is named after."""
        return _place(zone, self.locale)

    def joined(self, items: Sequence[str]) -> str:
        return lists.format_list(items, locale=self.locale)


@lru_cache(maxsize=64)
def of(tag: str) -> Words:
    """The words for a language tag such as `de-AT`."""
    with _READING:
        return _of(tag)


def _of(tag: str) -> Words:
    own, base = _whole(_locale(tag)), tag.partition("-")[0].lower()
    if base in known():
        return Words(tag, own, own, _catalogue(base))
    return Words(SOURCE, _whole(Locale(SOURCE)), own, NullTranslations())


@lru_cache(maxsize=1)
def known() -> tuple[str, ...]:
    """The languages that there are words in, English first."""
    return (SOURCE, *sorted(path.stem for path in FOLDER.glob("*.po")))


def asked_for(accepted: str) -> str:
    """The language that an Accept-Language field (RFC 9110 §12.5.4) likes best of those we know; English if it likes none."""
    wished: list[tuple[float, str]] = []
    for entry in accepted[:500].split(","):
        tag, _, weight = entry.strip().partition(";")
        wished.append((_weight(weight), tag.strip()))
    preferred = [tag for weight, tag in sorted(wished, key=lambda one: -one[0]) if weight > 0]
    return negotiate_locale(preferred, known(), sep="-") or SOURCE


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


@lru_cache(maxsize=16)
def _catalogue(language: str) -> NullTranslations:
    if language == SOURCE:
        return NullTranslations()
    with (FOLDER / f"{language}.po").open("rb") as file:
        read = read_po(file, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, read)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _locale(tag: str) -> Locale:
    for wanted in (tag, tag.partition("-")[0]):
        try:
            return Locale.parse(wanted, sep="-")
        except (ValueError, UnknownLocaleError):
            continue
    return Locale(SOURCE)


def _whole(locale: Locale) -> Locale:
    """With its data read, which is done when it is first asked for something."""
    assert locale.character_order
    _forget_the_world()
    return locale


@lru_cache(maxsize=64)
def _place(zone: str, locale: Locale) -> str:
    with _READING:
        found = dates.get_timezone_location(ZoneInfo(zone), locale, return_city=True)
        _forget_the_world()
    return found


def _forget_the_world() -> None:
    """What Babel knows of all territories and time zones, 2 MB: needed to read a locale or to place a zone, and read again if need be."""
    vars(core)["_global_data"] = None


def _filled(text: str, values: dict[str, object]) -> str:
    if any(isinstance(value, Markup) for value in values.values()):
        return escape(text).format(**values)
    return text.format(**values)


def _in_digits(text: str, locale: Locale) -> str:
    """Babel writes Western digits; where the locale has others of its own they take their place."""
    digits = _DIGITS.get(locale.default_numbering_system)
    return text.translate(str.maketrans("0123456789", digits)) if digits else text
