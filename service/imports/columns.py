"""Which column holds what: by the names that spreadsheets and other services give them, or by what stands in them. Pure."""

import re
import unicodedata
from collections.abc import Sequence

from service import addresses
from service.addresses import AddressInvalid

_NO_LETTER = re.compile(r"[\W_]+")


def spelled(name: str) -> str:
    """One spelling of a header's or a word's many: `E-Mail Address`, `EMAIL_ADDRESS` and `e-mail address` are one."""
    bare = name
    if not name.isascii():
        plain = unicodedata.normalize("NFKD", name)
        bare = "".join(letter for letter in plain if unicodedata.category(letter) != "Mn")
    return _NO_LETTER.sub("", bare.casefold())


def spelled_all(names: str) -> frozenset[str]:
    return frozenset(spelled(name) for name in names.split())


EMAIL = spelled_all(
    "email emails mail emailaddress mailaddress emailadresse mailadresse emailaddresse adresseemail adressemail adresseelectronique "
    "courriel correo correoelectronico direccioncorreo direcciondecorreoelectronico indirizzoemail emailadres epost epostadress "
    "epostadresse epostaddress sahkoposti subscriber subscriberemail subscriberemailaddress contactemail primaryemail emailid useremail "
    "emailadress メールアドレス البريدالإلكتروني דואל דואראלקטרוני ایمیل"
)
FIRST_NAME = spelled_all(
    "firstname first fname forename givenname vorname prenom nombre nome voornaam fornavn fornamn etunimi imie subscriberfirstname 名 "
    "الاسمالأول שםפרטי نام"
)


def is_address(cell: str) -> bool:
    if "@" not in cell:
        return False
    try:
        addresses.wire_of(cell)
    except AddressInvalid:
        return False
    return True


def has_header(first: Sequence[str]) -> bool:
    """A list whose first row holds somebody's address has none."""
    return not any(is_address(cell) for cell in first)


def email(header: Sequence[str], rows: Sequence[Sequence[str]]) -> int | None:
    """The column of that name; of several, and where none is, the one that holds the most addresses."""
    named = [index for index, name in enumerate(header) if spelled(name) in EMAIL]
    if len(named) == 1:
        return named[0]
    candidates = named or range(max((len(row) for row in (header, *rows)), default=0))
    counts = {index: _addresses_in(rows, index) for index in candidates}
    best = max(counts, key=lambda index: (counts[index], -index), default=None)
    return best if best is not None and (named or counts[best]) else None


def named(header: Sequence[str], names: frozenset[str]) -> int | None:
    return next((index for index, name in enumerate(header) if spelled(name) in names), None)


def _addresses_in(rows: Sequence[Sequence[str]], index: int) -> int:
    return sum(1 for row in rows if index < len(row) and is_address(row[index]))
