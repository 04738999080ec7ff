"""The words of this part: what came in, what proves it, what it says; and reading somebody else's JSON without tripping. Pure."""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from service.bounces.findings import TEXT_CHARACTERS, Finding, Kind
from service.errors import MemoError

KEY_CHARACTERS = 120  # of an event's id; a longer one is kept as its digest
NAME_CHARACTERS = 60
ADDRESS_CHARACTERS = 320
ID_CHARACTERS = 500  # RFC 5322 sets no limit on a Message-ID; nobody's is longer
MOST_EVENTS = 5_000  # in one body: five times what the largest batch of any relay we know has
# A relay that got no answer comes again, and some come with the old time: SendGrid for 24 hours, SparkPost and Mailgun for 8, SNS
# for one. What is this old is refused; what is younger and was here before is known by its id, which is kept for longer.
RETRIED_FOR = timedelta(hours=26)
AHEAD_AT_MOST = timedelta(minutes=5)
_NOT_FOR_A_COLUMN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_FRACTION = re.compile(r"(\.\d{6})\d+")
WITH_EFFECT = frozenset(
    {Kind.PERMANENT, Kind.STRIKE, Kind.TRANSIENT, Kind.SENDER, Kind.COMPLAINT, Kind.UNSUBSCRIBE}
)
Event = Mapping[str, Any]


class Trouble(StrEnum):
    """Why a request was not believed or not understood: the desk says it in these words."""

    NO_SIGNATURE = "it carried no signature"
    BAD_SIGNATURE = "its signature did not match"
    NO_KEY = "its signature could not be checked, for the key is not entered here, or cannot be read any more"
    STALE = "it was signed too long ago"
    AHEAD = "it was signed in the future: one of the two clocks is wrong"
    OTHER_TOPIC = "it was from another topic"
    NO_TOPIC = "no topic is confirmed yet"
    NO_CERTIFICATE = "the certificate that it names could not be used"
    TOKEN_SPENT = "its token had been used for another event"  # noqa: S105 - not a password
    WRONG_TYPE = "it was of another content type"
    UNREADABLE = "it could not be read"
    TOO_MANY = "it had more events than a body may have"
    ODD_EVENT = "an event in it named nobody, or was of no form we know"


class NotBelieved(MemoError):
    """Nothing proves that this is from the relay, so nothing was changed."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(f"Nothing was changed: {trouble.value}.")
        self.trouble = trouble


class Unreadable(MemoError):
    """This body is not what the relay's events look like."""

    def __init__(self, trouble: Trouble = Trouble.UNREADABLE) -> None:
        super().__init__(f"Nothing was changed: {trouble.value}.")
        self.trouble = trouble


@dataclass(frozen=True)
class Call:
    """A request as it came. Names of headers in small letters."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Proof:
    """What we hold a request against. `certificate` in PEM, for the one form that names one."""

    key: str = ""
    topic: str = ""
    certificate: bytes = b""


@dataclass(frozen=True)
class Told:
    """One event about one recipient. `key` is the relay's own id of it, the same each time it is told; `name` its own word for it.

    `number`: the relay's own number of the message. `once`: a digest of the body, where `key` is a token good for one body only.
    """

    key: str
    name: str
    finding: Finding
    number: str = ""
    once: str = ""


class Odd(Exception):
    """An event that names nobody, or is of no form we know."""


@dataclass(frozen=True)
class Heard:
    """What a body said: events in its order, and how many there were that we could make nothing of."""

    told: tuple[Told, ...] = ()
    odd: int = 0


def loads(body: bytes) -> Any:
    """JSON of any shape; raises Unreadable, also for what only crashes a parser (RFC 8259 section 9)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable from error


def events_of(body: bytes) -> list[Event]:
    """A list of objects, or one that stands for itself; what is no object comes as an empty one."""
    said = loads(body)
    found = said if isinstance(said, list) else [said]
    if len(found) > MOST_EVENTS:
        raise Unreadable(Trouble.TOO_MANY)
    return [one if isinstance(one, dict) else {} for one in found]


def heard(events: Iterable[Event], read: Callable[[Event], Iterable[Told]]) -> Heard:
    """What has an effect, and each once. Events that are no news of a reader (opened, delivered, delayed) leave no trace."""
    told: dict[str, Told] = {}
    odd = 0
    for event in events:
        try:
            for one in read(event):
                if one.finding.kind not in WITH_EFFECT:
                    continue
                if not (one.finding.recipient or one.finding.original.message_id or one.number):
                    raise Odd
                told.setdefault(one.key, one)
        except Odd:
            odd += 1
    return Heard(tuple(told.values()), odd)


def inner(event: Event, *names: str) -> Event:
    """The object at the end of these names, or an empty one."""
    for name in names:
        found = event.get(name)
        event = found if isinstance(found, dict) else {}
    return event


def text(value: Any, most: int = TEXT_CHARACTERS) -> str:
    """A text that any column takes: no NUL and no half of a surrogate pair, blanks joined, cut. "" for what is no text or number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, int) and abs(value) > 10**30:  # str() of a longer one may raise
        return ""
    return " ".join(_NOT_FOR_A_COLUMN.sub(" ", str(value)[: 4 * most]).split())[:most]


def address(value: Any) -> str:
    """As the relay wrote it; "" for what cannot be one."""
    found = text(value, ADDRESS_CHARACTERS).strip("<> ")
    return found if 3 <= len(found) < ADDRESS_CHARACTERS and "@" in found[1:-1] and " " not in found else ""


def message_id(value: Any) -> str:
    return text(value, ID_CHARACTERS).strip("<> ")


def event_key(*parts: Any) -> str:
    """An id that fits its column: short ones as they are, else, or of several parts, a digest."""
    found = [text(part, ID_CHARACTERS) for part in parts]
    if len(found) == 1 and 0 < len(found[0]) <= KEY_CHARACTERS:
        return found[0]
    return hashlib.sha256("\0".join(found).encode()).hexdigest()


def seconds(value: Any) -> datetime | None:
    """A time from seconds since 1970, as number or text."""
    try:
        number = float(text(value, 40))
        return datetime.fromtimestamp(number, UTC) if math.isfinite(number) else None
    except (ValueError, OverflowError, OSError):
        return None


def milliseconds(value: Any) -> datetime | None:
    whole = text(value, 40)
    return seconds(whole[:-3]) if len(whole) > 3 and whole.isdecimal() else None


def moment(value: Any) -> datetime | None:
    """A time in ISO 8601, with or without a zone (then UTC); more than six digits of a second are cut."""
    try:
        found = datetime.fromisoformat(_FRACTION.sub(r"\1", text(value, 60)))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def check_age(
    at: datetime | None,
    *,
    now: datetime,
    most: timedelta = RETRIED_FOR,
    missing: Trouble = Trouble.NO_SIGNATURE,
) -> None:
    """Raises NotBelieved for a time that is too old, in the future, or not there."""
    if at is None:
        raise NotBelieved(missing)
    if at < now - most:
        raise NotBelieved(Trouble.STALE)
    if at > now + AHEAD_AT_MOST:
        raise NotBelieved(Trouble.AHEAD)
