"""Dates as pages and feeds write them. A date that cannot be read surely is None: never another day than the one written.

Without a zone the written time is taken for UTC; a date without a time is noon UTC, which is the same day nearly everywhere.
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

EARLIEST_YEAR: Final = 1990
NOON: Final = (12, 0, 0)

TIME: Final = re.compile(
    r"(?:^|[\sT,])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<half>[ap]\.?m\.?\b)?\s*(?P<zone>[+-]\d{2}:?\d{2}|[A-Za-z]{1,5}\b)?",
    re.IGNORECASE,
)
YEAR_FIRST: Final = re.compile(r"^(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?!\d)")
DAY_MONTH_NAME: Final = re.compile(
    r"(?<!\d)(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?[\s-]+(?:de\s+)?(?P<name>[^\W\d]{3,10})\.?,?[\s-]+(?:de\s+)?(?P<year>\d{4}|\d{2})(?!\d)"
)
MONTH_NAME_DAY: Final = re.compile(
    r"(?P<name>[^\W\d]{3,10})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})(?!\d)"
)
DAY_FIRST: Final = re.compile(
    r"(?<!\d)(?P<one>\d{1,2})(?P<mark>[./])(?P<two>\d{1,2})(?P=mark)(?P<year>\d{4})(?!\d)"
)

# English, German, French, Spanish, Italian, Dutch, Portuguese; accents taken off.
MONTHS: Final = {
    1: "jan gen ene",
    2: "feb fev",
    3: "mar mrt maa mae",
    4: "apr avr abr",
    5: "may mai mag mei",
    6: "jun juin giu",
    7: "jul juil lug",
    8: "aug aou ago",
    9: "sep set",
    10: "oct okt ott out",
    11: "nov",
    12: "dec dez dic",
}
MONTH_OF: Final = {name: number for number, names in MONTHS.items() for name in names.split()}
# RFC 5322 §4.3, and the European names that feeds use. Other names are too ambiguous to be believed.
ZONES: Final = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0,
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "bst": 1, "cet": 1, "cest": 2, "mez": 1, "mesz": 2, "eet": 2, "eest": 3, "msk": 3,
}  # fmt: skip


def read(text: str | None) -> datetime | None:
    """The moment in UTC, or None if the text does not surely name one."""
    written = " ".join((text or "").split())[:100]
    day = _day(written)
    if day is None or day[0] < EARLIEST_YEAR:
        return None
    time = TIME.search(written)
    try:
        if time is None:
            return datetime(*day, *NOON, tzinfo=UTC)
        return datetime(*day, *_clock(time), tzinfo=_zone(time["zone"])).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_plausible(text: str | None, *, now: datetime) -> datetime | None:
    """As `read`, and not further ahead than any zone's tomorrow."""
    moment = read(text)
    return moment if moment is not None and moment <= now + timedelta(days=1) else None


def _day(written: str) -> tuple[int, int, int] | None:
    if match := YEAR_FIRST.search(written):
        return int(match["year"]), int(match["month"]), int(match["day"])
    for pattern in (DAY_MONTH_NAME, MONTH_NAME_DAY):
        for match in pattern.finditer(written):
            if month := _month(match["name"]):
                return _full_year(match["year"]), month, int(match["day"])
    match = DAY_FIRST.search(written)
    return _numeric(match) if match else None


def _numeric(match: re.Match[str]) -> tuple[int, int, int] | None:
    one, two, year = int(match["one"]), int(match["two"]), int(match["year"])
    if match["mark"] == "." or one > 12:
        return year, two, one
    # 03/04/2026 is two days, depending on who wrote it.
    return (year, one, two) if two > 12 or one == two else None


def _month(name: str) -> int | None:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.lower()) if not unicodedata.combining(c))
    return MONTH_OF.get(plain[:4]) or MONTH_OF.get(plain[:3])


def _full_year(year: str) -> int:
    number = int(year)
    if len(year) == 4:
        return number
    return number + (2000 if number < 50 else 1900)  # RFC 5322 §4.3


def _clock(time: re.Match[str]) -> tuple[int, int, int]:
    hour, minute, second = int(time["hour"]), int(time["minute"]), min(int(time["second"] or 0), 59)
    if time["half"]:
        hour = hour % 12 + (12 if time["half"][0] in "pP" else 0)
    return hour, minute, second


def _zone(name: str | None) -> timezone:
    if name and name[0] in "+-":
        digits = name[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        if offset > timedelta(hours=14):
            raise ValueError(name)
        return timezone(-offset if name[0] == "-" else offset)
    return timezone(timedelta(hours=ZONES.get((name or "z").lower(), 0)))
