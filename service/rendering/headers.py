"""Header fields as bytes, written by ourselves.

The standard library folds a long List-Unsubscribe into encoded-words (RFC 2047 §5 forbids them there), so nothing here goes through it.
Every line is at most 76 octets where the grammar lets us fold, and no value can bring a line end along.
"""

import binascii
import datetime
import re
import unicodedata
from functools import lru_cache

from service.errors import Invalid
from service.rendering import characters

LINE = 76
ENCODED_WORD = 75  # RFC 2047 §2
FIELD_OCTETS = 998  # RFC 5322 §2.1.1
LIST_ID_OCTETS = 255  # RFC 2919 §3

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_PLAIN = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*\Z")
_VISIBLE = re.compile(r"[\x20-\x7e]*\Z")
_URI = re.compile(r"(?:https?://|mailto:)[\x21\x23-\x3b\x3d\x3f-\x7e]+\Z")
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f\x41-\x7e]+@[\x21-\x3b\x3d\x3f\x41-\x7e]+>\Z")
_LIST_ID = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+\Z")
_FIELD_NAME = re.compile(r"[A-Za-z0-9-]{1,60}\Z")
_ADDRESS = re.compile(r"[^\s<>\x00-\x1f\x7f-\x9f]+@[^\s<>@\x00-\x1f\x7f-\x9f]+\Z")
_AROUND_WORD = len("=?utf-8?b??=")
_SAFE_IN_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


class HeaderInvalid(Invalid):
    """This value cannot stand in a message header; remove line breaks and control characters."""


@lru_cache(maxsize=1024)  # most readers of an edition share its subject
def unstructured(name: str, text: str) -> bytes:
    """Subject and the like: plain and folded at blanks where it is plain ASCII, else encoded-words."""
    prefix = f"{name}: "
    if _PLAIN.match(text) and "=?" not in text and max(map(len, text.split(" "))) <= LINE - len(prefix):
        return _folded(prefix, text.split(" "))
    if not text:
        return f"{name}:\r\n".encode()
    return f"{prefix}{encoded_words(text, len(prefix))}\r\n".encode("ascii")


def mailbox(name: str, display_name: str, address: str) -> bytes:
    """From, To and Reply-To. A local part beyond ASCII stands as it is (RFC 6532 §3.2): only a relay with SMTPUTF8 may get it."""
    if not _ADDRESS.match(address) or len(address.encode()) > 320:
        raise HeaderInvalid(
            f"{name} needs one mail address, without blanks or angle brackets.", field="address"
        )
    if not display_name:
        return f"{name}: {address}\r\n".encode()
    named, last_line = _name_before_address(name, display_name)
    gap = " " if last_line + len(address) + 3 <= LINE else "\r\n "
    return f"{named}{gap}<{address}>\r\n".encode()


@lru_cache(maxsize=4_096)  # first names, most of them met before
def _name_before_address(name: str, display_name: str) -> tuple[str, int]:
    """The field up to its address, and how long its last line is by then."""
    prefix = f"{name}: "
    phrase = _phrase(display_name, len(prefix))
    last_line = len(phrase.rpartition("\r\n")[2]) + (0 if "\r\n" in phrase else len(prefix))
    return prefix + phrase, last_line


def list_id(display_name: str, identifier: str) -> bytes:
    """RFC 2919 §2. Encoded-words are kept out of every List-* field, so a name is spelled in ASCII.

    A name that would not be legible that way gives its place to the first label of the identifier.
    """
    bare = identifier.strip().removeprefix("<").removesuffix(">")
    if not _LIST_ID.match(bare) or len(bare) > LIST_ID_OCTETS:
        raise HeaderInvalid("A List-Id is a name with dots, like morning-memo.example.org.", field="list_id")
    spelled = unicodedata.normalize("NFKD", display_name).encode("ascii", "ignore").decode()
    phrase = " ".join(spelled.replace("=?", "= ?").split())
    letters = sum(character.isalnum() for character in display_name)
    is_legible = letters and sum(character.isalnum() for character in phrase) * 2 >= letters
    if not is_legible or len(_quoted(phrase)) > LINE - len("List-Id: "):
        phrase = bare.partition(".")[0]
    phrase = phrase if _ATOMS.match(phrase) else _quoted(phrase)
    gap = " " if len(phrase) + len(bare) + len("List-Id:  <>") <= LINE else "\r\n "
    return f"List-Id: {phrase}{gap}<{bare}>\r\n".encode("ascii")


def list_unsubscribe(url: str, mailto: str | None) -> bytes:
    """RFC 2369 §2, RFC 8058 §3.1: each URI byte for byte, folded nowhere but between the two."""
    if not (_is_uri(url) and (mailto is None or _is_uri(mailto))):
        raise HeaderInvalid(
            "An unsubscribe link must be one absolute address without blanks.", field="unsubscribe_url"
        )
    if not mailto:
        return f"List-Unsubscribe: <{url}>\r\n".encode("ascii")
    gap = " " if len(url) + len(mailto) + 24 <= LINE else "\r\n "
    return f"List-Unsubscribe: <{url}>,{gap}<{mailto}>\r\n".encode("ascii")


def _is_uri(text: str) -> bool:
    return len(text) <= FIELD_OCTETS - 25 and _URI.match(text) is not None


def message_id(value: str) -> bytes:
    if not _MESSAGE_ID.match(value) or len(value) > 500:
        raise HeaderInvalid("A Message-ID has the form <left@right>.", field="message_id")
    return f"Message-ID: {value}\r\n".encode("ascii")


@lru_cache(maxsize=256)  # all messages of a span share it
def date(moment: datetime.datetime) -> bytes:
    """RFC 5322 §3.3: English names whatever the locale, and a numeric zone."""
    if moment.utcoffset() is None:
        raise HeaderInvalid("A message's date needs a time zone.", field="date")
    at = moment.astimezone(datetime.UTC)
    day = f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year}"
    return f"Date: {day} {at.hour:02d}:{at.minute:02d}:{at.second:02d} +0000\r\n".encode("ascii")


def plain(name: str, value: str) -> bytes:
    """A field of visible ASCII alone, such as Feedback-ID."""
    if not _FIELD_NAME.match(name) or not _VISIBLE.match(value) or len(name) + len(value) + 2 > FIELD_OCTETS:
        raise HeaderInvalid(
            f"The header {characters.single_line(name)!r} may hold one line of visible ASCII characters."
        )
    return f"{name}: {value}\r\n".encode("ascii")


@lru_cache(maxsize=1024)  # most readers of an edition share its subject
def encoded_words(text: str, used: int) -> str:
    """RFC 2047 §2: words of at most 75 on lines of at most 76, never cutting a character; the smaller of Q and B."""
    octets = text.encode()
    as_q = sum(1 if octet in _SAFE_IN_WORD or octet == 32 else 3 for octet in octets)
    kind = "q" if as_q <= len(octets) * 4 / 3 else "b"
    return "\r\n ".join(_words(text, used, kind))


def _words(text: str, used: int, kind: str) -> list[str]:
    words: list[str] = []
    start = size = 0
    room = min(LINE - used, ENCODED_WORD) - _AROUND_WORD
    for place, character in enumerate(text):
        more = _octets_in_word(character, kind)
        full = size + more > (room if kind == "q" else room // 4 * 3)
        if full and place > start:
            words.append(_word(text[start:place], kind))
            start, size, room = place, 0, ENCODED_WORD - _AROUND_WORD
        size += more
    return [*words, _word(text[start:], kind)]


def _octets_in_word(character: str, kind: str) -> int:
    octets = character.encode()
    return len(octets) if kind == "b" else sum(1 if o in _SAFE_IN_WORD or o == 32 else 3 for o in octets)


def _word(text: str, kind: str) -> str:
    octets = text.encode()
    if kind == "b":
        return f"=?utf-8?b?{binascii.b2a_base64(octets, newline=False).decode('ascii')}?="
    quoted = "".join(chr(o) if o in _SAFE_IN_WORD else "_" if o == 32 else f"={o:02X}" for o in octets)
    return f"=?utf-8?q?{quoted}?="


def _phrase(text: str, used: int) -> str:
    if _ATOMS.match(text) and "=?" not in text and used + len(text) <= LINE:
        return text
    if _PLAIN.match(text) and "=?" not in text and used + len(_quoted(text)) <= LINE:
        return _quoted(text)
    return encoded_words(text, used)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _folded(prefix: str, words: list[str]) -> bytes:
    lines = [prefix + words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) > LINE:
            lines.append("")
        lines[-1] += f" {word}"
    return ("\r\n".join(lines) + "\r\n").encode("ascii")
