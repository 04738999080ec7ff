"""Bytes of a page, a feed or an upload to text, without spoiling all of it for one bad byte.

What the bytes show goes before what is declared about them: text that is mostly valid UTF-8 is UTF-8, whatever a header says,
since nothing else looks like it. Only then count the transport's charset, the document's own (RFC 7303 §3) and last
windows-1252, which the web means by iso-8859-1 (WHATWG Encoding, §4.2).
"""

import codecs
import re
from dataclasses import dataclass
from typing import Final

DECLARED_WITHIN_BYTES: Final = 2048
XML_DECLARATION: Final = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})""")
META_CHARSET: Final = re.compile(
    rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE
)
# What XML 1.0 §2.2 forbids; lxml and expat stop at such characters.
FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
SHAPES: Final = ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"))
# Their bytes are all ASCII, so they would pass for UTF-8.
DISGUISED: Final = frozenset({"iso2022_jp", "iso2022_kr", "hz"})
WESTERN: Final = frozenset({"iso8859-1", "ascii", "latin-1"})


@dataclass(frozen=True)
class Decoded:
    text: str
    encoding: str
    replaced_bytes: int


def decode(data: bytes, *, charset: str | None = None) -> Decoded:
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return _read(data[len(mark) :], encoding)
    for shape, encoding in SHAPES:
        if data.startswith(shape):
            return _read(data, encoding)
    declared = _declared(data, charset)
    if declared in DISGUISED:
        return _read(data, declared)
    as_utf8 = _read(data, "utf-8")
    if not as_utf8.replaced_bytes or _is_mostly_utf8(as_utf8):
        return as_utf8
    return _read(data, "windows-1252" if declared in (None, "utf-8") else declared)


def _read(data: bytes, encoding: str) -> Decoded:
    text = data.decode(encoding, errors="replace")
    replaced = text.count("\ufffd")
    if replaced:
        replaced -= data.decode(encoding, errors="ignore").count("\ufffd")
    return Decoded(FORBIDDEN.sub("", text), encoding, replaced)


def _is_mostly_utf8(decoded: Decoded) -> bool:
    beyond_ascii = len(decoded.text) - len(decoded.text.encode("ascii", errors="ignore"))
    return beyond_ascii - decoded.replaced_bytes > decoded.replaced_bytes


def _declared(data: bytes, charset: str | None) -> str | None:
    opening = data[:DECLARED_WITHIN_BYTES]
    found = (charset, *(_first(pattern, opening) for pattern in (XML_DECLARATION, META_CHARSET)))
    return next((codec for name in found if name and (codec := _codec(name))), None)


def _first(pattern: re.Pattern[bytes], opening: bytes) -> str | None:
    match = pattern.search(opening)
    return match.group(1).decode("ascii", errors="ignore") if match else None


def _codec(name: str) -> str | None:
    try:
        codec = codecs.lookup(name.strip("\"' "))
        # Some codecs of Python are no text encodings (zip, hex), and bytes say more than a wrong "utf-16".
        b"<a>".decode(codec.name)
    except (LookupError, ValueError):
        return None
    if codec.name.startswith(("utf-16", "utf-32")) or codec.name in ("idna", "punycode", "unicode_escape"):
        return None
    return "windows-1252" if codec.name in WESTERN else codec.name
