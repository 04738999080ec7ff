"""What the columns of another service say of each person: whether they read it, have left it, or something that is not known here. Pure.

Consent fails closed: a word that is not known brings nobody in, and the preview shows it with how many it leaves out.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from enum import StrEnum
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, Field

from service.imports.columns import spelled, spelled_all
from service.rendering import characters

MOST_COLUMNS = 1_000
MOST_VALUES = 1_000  # counted one by one; a column with more of them holds no words
VALUE_CHARACTERS = 40
LOOKED_AT_CHARACTERS = 200
A_DATE, EMPTY, OTHERS = "a date", "(empty)", "(others)"


class Kind(StrEnum):
    """`status`: words. `joined`: a yes is a reader. `gone`: a yes, or a day, is none. `other`: its name says nothing, so a mere yes or no
    in it says nothing either.
    """

    STATUS = "status"
    JOINED = "joined"
    GONE = "gone"
    OTHER = "other"


class Verdict(StrEnum):
    READER = "reader"
    GONE = "gone"
    UNKNOWN = "unknown"


class Standing(BaseModel):
    """A column that says it, counted from 0, and how it is to be understood."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    place: int = Field(ge=0, lt=MOST_COLUMNS)
    kind: Kind


class SeenValue(BaseModel):
    """A value that stands in a standing column, in so many rows."""

    place: int
    value: str
    count: int
    verdict: Verdict


_STATUS = spelled_all(
    "status state standing zustand statut estado stato estatus memberstatus subscriptionstatus subscriberstatus emailstatus "
    "mailstatus emailmarketingstatus globalstatus contactstatus newsletterstatus liststatus userstatus mitgliedsstatus abostatus"
)
_STATUS_PARTS = ("mail", "subscri", "marketing", "member", "contact", "newsletter", "list", "reader")
_JOINED = spelled_all(
    "subscribed active isactive enabled isenabled confirmed isconfirmed optin optedin aktiv actif activo attivo angemeldet abonniert "
    "abonne inscrit suscrito iscritto acceptsmarketing acceptsemailmarketing marketingoptin einwilligung zustimmung consentement"
)
_JOINED_PARTS = ("consent", "optin", "optedin", "acceptsmarketing", "acceptsemail")
# Of when, where and how somebody has agreed: these are proofs, and empty for people whom a person entered by hand.
_PROOFS = spelled_all(
    "time date at on ip id source text method url link campaign timestamp datum hora country region message"
)
_GONE = spelled_all(
    "cleaned clean complained complaint complaints spam disabled inactive deleted removed suppressed archived inaktiv gesperrt geloescht "
    "gelöscht baja ended left blocked isblocked isdeleted isdisabled isinactive isarchived"
)
_GONE_PARTS = (
    "unsub", "optout", "optedout", "optsout", "blocklist", "blacklist", "bounce", "donotcontact", "donotemail", "donotmail",
    "donotsend", "abgemeldet", "abmeld", "abbestell", "desinscri", "desabonn", "desuscri", "disiscri", "cancelled", "canceled",
)  # fmt: skip
_LINKS = ("url", "link", "hash", "token")

_READER_WORDS = spelled_all(
    "subscribed active enabled confirmed optedin optin subscriber reader member regular live granted consented agreed accepted opted-in "
    "doubleoptin singleoptin aktiv angemeldet abonniert bestaetigt bestätigt abonne abonné actif inscrit suscrito activo iscritto attivo "
    "aangemeld actief aktywny zapisany explicit valid verified"
)
_PLAIN_READER_WORDS = spelled_all("subscribed abonniert abonne inscrit suscrito iscritto angemeldet")
_GONE_WORDS = spelled_all(
    "ended baja pending waiting inactif inactivo inattivo inactief gekuendigt gekündigt gesperrt ausgetragen geloescht gelöscht left "
    "resigned denied declined refused rejected withdrawn revoked expired invalid undeliverable hard soft nonmember dead paused dormant "
    "transactional staged nosubscribed noopt dnc u"
)
_GONE_WORD_PARTS = (
    *_GONE_PARTS, "clean", "complain", "spam", "abuse", "block", "disabled", "inactiv", "inaktiv", "delet", "remov", "archiv", "suppress",
    "stopped", "cancel", "notsub", "nonsub", "neversub", "nolonger", "donot", "dontcontact", "unconfirm", "notconfirm", "notactive",
    "notoptin", "notopted", "neveropted", "nosubscri", "nichtangemeldet", "nichtabonniert", "nonabonn", "noninscrit", "nosuscrito",
    "dadodebaja", "uitgeschreven", "afgemeld",
)  # fmt: skip
_SAYS_GONE = re.compile("|".join(_GONE_WORD_PARTS))
_TELLING = spelled_all(
    "subscribed unsubscribed bounced cleaned blocklisted blacklisted optedout abgemeldet désabonné désinscrit"
)
_YES = spelled_all("yes y true t 1 on x ja j oui si sim ok checked wahr vrai verdadero tak да はい نعم כן")
_NO = spelled_all("no n false f 0 off nein non nee nej nao nie não falsch faux falso нет いいえ לא unchecked")
_NOTHING = spelled_all("null nil none na nan undefined never")
_TICKS, _CROSSES, _DASHES = frozenset("✓✔☑✅"), frozenset("✗✘☒❌☐"), re.compile(r"[\s\-–—−./_]*\Z")
_DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2} \w{3,9}\.? \d{4}|\w{3,9}\.? \d{1,2},? \d{4}|\d{10}(?:\d{3})?\Z"
)
_WHEN = re.compile(r"(?:at|on|date|time|since)\Z")


def kind_of(name: str) -> Kind | None:
    """None: a header of this name is no standing that we know."""
    known = spelled(name[:LOOKED_AT_CHARACTERS])
    if known in _STATUS or (known.endswith("status") and any(part in known for part in _STATUS_PARTS)):
        return Kind.STATUS
    if _WHEN.sub("", known) in _GONE or any(part in known for part in _GONE_PARTS):
        return None if known.endswith(_LINKS) else Kind.GONE
    return Kind.JOINED if _is_joined(name, known) else None


def _is_joined(name: str, known: str) -> bool:
    words = [spelled(word) for word in re.split(r"[\W_]+", name) if word]
    if not words or words[-1] in _PROOFS or known.endswith(("time", "date")):
        return False
    is_subscribed = known.startswith("subscribed") or known.endswith("subscribed")
    return known in _JOINED or is_subscribed or any(part in known for part in _JOINED_PARTS)


def recognised(
    header: Sequence[str], rows: Sequence[Sequence[str]] = (), *, but: Iterable[int | None] = ()
) -> tuple[Standing, ...]:
    """Every one of them: what one column does not say another does. Under a name that nobody knows, and without a header, by the words that
    no other column has.
    """
    telling = {
        place
        for row in rows
        for place, cell in enumerate(row)
        if spelled(cell[:VALUE_CHARACTERS]) in _TELLING
    }
    taken = set(but)
    return tuple(
        Standing(place=place, kind=kind)
        for place in sorted({*range(len(header)), *telling})
        if place < MOST_COLUMNS and place not in taken and (kind := _kind_at(header, place, telling))
    )


def _kind_at(header: Sequence[str], place: int, telling: Container[int]) -> Kind | None:
    found = kind_of(header[place]) if place < len(header) else None
    return found or (Kind.OTHER if place in telling else None)


def chosen(header: Sequence[str], places: Iterable[int]) -> tuple[Standing, ...]:
    """What a person says to be one."""
    return tuple(
        Standing(place=place, kind=(kind_of(header[place]) if place < len(header) else None) or Kind.OTHER)
        for place in sorted(set(places))
    )


def verdict(cell: str, kind: Kind) -> Verdict:
    return _verdict(cell[:LOOKED_AT_CHARACTERS], kind)


@lru_cache(maxsize=1_024)  # most lists say a few words, thousands of times each
def _verdict(cell: str, kind: Kind) -> Verdict:
    said = spelled(cell)
    if said in _GONE_WORDS or _SAYS_GONE.search(said):
        return Verdict.GONE
    # “Unsubscribed: confirmed” is a yes.
    if said in (_PLAIN_READER_WORDS if kind is Kind.GONE else _READER_WORDS):
        return Verdict.READER
    return _JUDGES[kind](_plain(cell, said))


def _plain(cell: str, said: str) -> str:
    """`yes`, `no`, `date`, `none`, nothing, or what stands there."""
    text = cell.strip()
    if text in _TICKS or said in _YES:
        return "yes"
    if text in _CROSSES or said in _NO or (said and not said.strip("0")):
        return "no"  # some databases write no day as 0000-00-00
    if said in _NOTHING:
        return "none"
    if _DASHES.match(text):
        return ""
    if _DATE.match(text):
        return "date"
    return said or text


def _of_status(plain: str) -> Verdict:
    known = {"": Verdict.READER, "yes": Verdict.READER, "no": Verdict.GONE, "date": Verdict.GONE}
    return known.get(plain, Verdict.UNKNOWN)


def _of_joined(plain: str) -> Verdict:
    """Where others have said yes, whoever has said nothing has not agreed."""
    known = {"yes": Verdict.READER, "date": Verdict.READER}
    known |= dict.fromkeys(("", "none", "no"), Verdict.GONE)
    return known.get(plain, Verdict.UNKNOWN)


def _of_gone(plain: str) -> Verdict:
    if plain in ("", "none", "no"):
        return Verdict.READER
    return Verdict.GONE if plain in ("yes", "date") or plain.isdecimal() else Verdict.UNKNOWN


def _of_other(plain: str) -> Verdict:
    return {"": Verdict.READER, "date": Verdict.GONE}.get(plain, Verdict.UNKNOWN)


_JUDGES = {
    Kind.STATUS: _of_status,
    Kind.JOINED: _of_joined,
    Kind.GONE: _of_gone,
    Kind.OTHER: _of_other,
}


def of_row(cells: Sequence[str], known: Sequence[Standing]) -> tuple[Verdict, str]:
    """A reader is whom every column leaves one; else the verdict, and the words that are not known."""
    unknown = ""
    for one in known:
        cell = cells[one.place] if one.place < len(cells) else ""
        found = verdict(cell, one.kind)
        if found is Verdict.GONE:
            return found, ""
        if found is Verdict.UNKNOWN:
            unknown = unknown or shown(cell)
    return (Verdict.UNKNOWN, unknown) if unknown else (Verdict.READER, "")


def shown(cell: str) -> str:
    """Enough to know the word again."""
    text = characters.single_line(cell[: 2 * VALUE_CHARACTERS])
    if "@" in text:
        return "…@…"
    return text if len(text) <= VALUE_CHARACTERS else f"{text[: VALUE_CHARACTERS - 1]}…"


class Tally:
    """Counts the values of standing columns; days are one value."""

    def __init__(self, known: Sequence[Standing]) -> None:
        self._known = known
        self._counts: Counter[tuple[int, str, Verdict]] = Counter()

    def add(self, cells: Sequence[str]) -> None:
        for one in self._known:
            cell = cells[one.place] if one.place < len(cells) else ""
            found = verdict(cell, one.kind)
            key = (one.place, self._value(cell), found)
            if key not in self._counts and len(self._counts) >= MOST_VALUES:
                key = (one.place, OTHERS, found)
            self._counts[key] += 1

    def seen(self, most: int) -> list[SeenValue]:
        """The commonest; the rest of them together, by what becomes of it."""
        ordered = self._counts.most_common()
        return [
            SeenValue(place=place, value=value, count=count, verdict=found)
            for (place, value, found), count in ordered[:most]
        ]

    @property
    def distinct(self) -> int:
        return len(self._counts)

    @staticmethod
    def _value(cell: str) -> str:
        start = cell[:LOOKED_AT_CHARACTERS].strip()
        return A_DATE if _DATE.match(start) and start.strip("0-/.: ") else shown(cell) or EMPTY
