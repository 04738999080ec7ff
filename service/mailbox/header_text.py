"""What a header says to a person, from whatever bytes came: encoded words decoded (RFC 2047), nothing ever refused."""

import base64
import binascii
import codecs
import re

LONGEST_HEAD_OCTETS = 262_144

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_SUBJECT = re.compile(rb"^subject[ \t]*:(.*(?:\r?\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
# RFC 2231 §5 lets a language follow the character set. Blanks inside are wrong and common, so they are taken.
_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,40})?\?([bq])\?([^?]*)\?=", re.IGNORECASE)
_BLANK_RUN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Python knows these under the name of a character set; they are none, and some complain about their input.
_NO_CHARACTER_SETS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}


def head_of(raw: bytes) -> bytes:
    """The header section, without the empty line that ends it."""
    if raw.startswith((b"\r\n", b"\n")):
        return b""
    start = raw[:LONGEST_HEAD_OCTETS]
    end = _HEAD_END.search(start)
    return start[: end.start()] if end else start


def subject_of(raw: bytes) -> str:
    found = _SUBJECT.search(head_of(raw))
    return decoded(in_unicode(found[1])) if found else ""


def in_unicode(octets: bytes) -> str:
    """UTF-8 (RFC 6532) or, failing that, one character for each octet, so that nothing is lost to the eye."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def decoded(value: str) -> str:
    """On one line; an encoded word that cannot be decoded stays as it came."""
    texts: list[str] = []
    octets, character_set, end = b"", "", 0
    for word in _WORD.finditer(value):
        content = _content(word[2].lower(), word[3])
        if content is None:
            continue
        between, end = value[end : word.start()], word.end()
        # Blanks between two encoded words are not part of the text; a character may even be split over both.
        is_joined = bool(character_set) and not between.strip()
        if not (is_joined and word[1].lower() == character_set):
            texts += [text_of(octets, character_set), "" if is_joined else between]
            octets, character_set = b"", word[1].lower()
        octets += content
    return single_line("".join([*texts, text_of(octets, character_set), value[end:]]))


def text_of(octets: bytes, character_set: str) -> str:
    """In that character set, or in UTF-8 where nobody knows it; octets that do not fit become U+FFFD."""
    try:
        known = codecs.lookup(character_set or "us-ascii").name
        if known not in _NO_CHARACTER_SETS and known != "ascii":
            return octets.decode(known, "replace")
    except (LookupError, ValueError):
        pass
    return octets.decode("utf-8", "replace")


def single_line(text: str) -> str:
    return _BLANK_RUN.sub(" ", _SURROGATE.sub("\ufffd", text)).strip()


def _content(encoding: str, text: str) -> bytes | None:
    try:
        if encoding == "q":
            return binascii.a2b_qp(text.encode("ascii"), header=True)
        return base64.b64decode(text.encode("ascii") + b"==")
    except ValueError:  # also binascii.Error and UnicodeEncodeError
        return None
