"""A mail taken apart, however broken: its parts in order, each as text. Never fails; what is broken is read as what it most looks like.

RFC 2045 to 2047, leniently: a missing boundary, a wrong charset, a part without a header and a mail cut off anywhere are all met daily.
"""

import binascii
import codecs
import html
import quopri
import re
from email.errors import HeaderParseError
from email.header import decode_header
from typing import NamedTuple

MOST_OCTETS = 1_000_000  # what a report has to say stands at its beginning
MOST_PARTS = 60
MOST_DEPTH = 8
LINES_OF_HEADER = 1_000
SLOW_OR_NO_TEXT = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "mbcs", "oem"}
ORIGINALS = {
    "message/rfc822",
    "message/global",
    "message/partial",
    "text/rfc822",
    "text/rfc822-headers",
    "text/rfc822-header",
    "message/rfc822-headers",
    "message/global-headers",
}
_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:[ \t]*(.*)")
_PARAMETER_ALONE = re.compile(r"\s*(boundary|charset|report-type)\s*=", re.IGNORECASE)
_BOUNDARY = re.compile(r"boundary\s*=\s*(?:\"([^\"]+)\"|([^\s;]+))", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)
_GUESS = re.compile(rb"(?m)^--(\S{8,70})[ \t]*$")
_UNSEEN = (("<script", "</script"), ("<style", "</style"), ("<head", "</head"), ("<!--", "-->"))
MOST_OF_A_PAGE = 200_000
_BREAKS = re.compile(r"<(?:br|/?p|/?div|/tr|/h\d|/?li|/?ul|hr)\b[^>]{0,500}>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z!][^<>@]{0,2000}>", re.IGNORECASE)


class Fields(tuple[tuple[str, str], ...]):
    """Header fields in order: names in small letters, values unfolded and otherwise as they came."""

    __slots__ = ()

    def every(self, *names: str) -> list[str]:
        return [value for name, value in self if name in names]

    def first(self, *names: str) -> str:
        """The value of the first of these that is there, in the order asked for; "" without any."""
        return next((found[0] for name in names if (found := self.every(name))), "")


class Part(NamedTuple):
    kind: str  # "text/plain", small letters
    fields: Fields
    text: str

    @property
    def is_original(self) -> bool:
        """A copy of a message, or of its header: what the report is about, never what it says."""
        return self.kind in ORIGINALS


class Opened(NamedTuple):
    fields: Fields
    kind: str
    parts: tuple[Part, ...]


def take_apart(raw: bytes) -> Opened:
    """The whole mail, its header and its parts. Any line ends."""
    fields, body = header_of(_with_plain_ends(raw[:MOST_OCTETS]).replace(b"\0", b"").lstrip(b"\n"))
    waiting: list[tuple[Fields, bytes, int]] = [(fields, body, 0)]
    parts: list[Part] = []
    while waiting and len(parts) < MOST_PARTS:
        of, content, depth = waiting.pop(0)
        pieces = _pieces(of, content) if depth < MOST_DEPTH else []
        if pieces:
            waiting[:0] = [(*header_of(piece), depth + 1) for piece in pieces[:MOST_PARTS]]
        else:
            parts.append(_part(of, content, is_alone=depth == 0))
    return Opened(fields, _kind(fields), tuple(parts))


def header_of(data: bytes) -> tuple[Fields, bytes]:
    """Header fields and what follows the first empty line. Without any field at its start, all of it is body."""
    found: list[list[str]] = []
    at = 0
    for _ in range(LINES_OF_HEADER):
        end = data.find(b"\n", at)
        line = data[at : end if end >= 0 else len(data)].decode("utf-8", "replace")
        if not line.strip() or not _take_line(found, line):
            break
        at = end + 1 if end >= 0 else len(data)
        if end < 0:
            break
    rest = data[at:]
    return Fields((name.lower(), value) for name, value in found), rest.removeprefix(b"\n")


def words_of(value: str) -> str:
    """A header value as people read it (RFC 2047)."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value[:2_000])
    except (HeaderParseError, ValueError):
        return value
    return "".join(
        piece if isinstance(piece, str) else _decoded(piece, charset or "utf-8") for piece, charset in pieces
    )


def _with_plain_ends(raw: bytes) -> bytes:
    """LF alone. Some gateways write CR CR LF, and CR LF turned into CR CR is still one end."""
    if b"\n" in raw:
        return re.sub(rb"\r*\n|\r", b"\n", raw)
    is_doubled = all(len(run) % 2 == 0 for run in re.findall(rb"\r+", raw))
    return raw.replace(b"\r\r" if is_doubled else b"\r", b"\n")


def _take_line(found: list[list[str]], line: str) -> bool:
    if found and (line[0] in " \t" or _PARAMETER_ALONE.match(line)):
        found[-1][1] += " " + line.strip()
        return True
    if match := _FIELD.match(line):
        found.append([match[1], match[2].strip()])
        return True
    return not found and line.startswith(("From ", ">From "))  # the line an mbox puts before a mail


def _kind(fields: Fields) -> str:
    stated = fields.first("content-type").partition(";")[0].split()
    return stated[0].lower().strip("\"'") if stated else "text/plain"


def _pieces(fields: Fields, body: bytes) -> list[bytes]:
    """The bodies between boundaries; none for what is no multipart, or whose boundary never comes."""
    if not _kind(fields).startswith("multipart/"):
        return []
    stated = _BOUNDARY.search(fields.first("content-type"))
    boundary = (stated[1] or stated[2]).encode("utf-8", "replace") if stated else b""
    if not boundary or b"--" + boundary not in body:
        guessed = _GUESS.search(body)
        if guessed is None:
            return []
        boundary = guessed[1]
    between = re.split(rb"(?m)^--" + re.escape(boundary) + rb"(?:--)?[ \t]*(?:\n|\Z)", body)
    return [piece for piece in between[1:] if piece.strip()]


def _part(fields: Fields, body: bytes, *, is_alone: bool) -> Part:
    kind = _kind(fields)
    if kind.startswith("multipart/"):
        kind = "text/plain"  # its boundary never came
    if not is_alone and not fields.first("content-type") and fields.first("received", "return-path"):
        header = "\n".join(f"{name}: {value}" for name, value in fields)
        return Part("message/rfc822", fields, f"{header}\n\n{_decoded(body, 'utf-8')}")
    stated = _CHARSET.search(fields.first("content-type"))
    text = _decoded(_unwrapped(fields, body), stated[1] if stated else "utf-8")
    return Part(kind, fields, _without_tags(text) if kind == "text/html" else text)


def _unwrapped(fields: Fields, body: bytes) -> bytes:
    encoding = fields.first("content-transfer-encoding").lower().strip()
    if encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        try:
            return binascii.a2b_base64(letters[: len(letters) // 4 * 4] + b"====")
        except binascii.Error:
            return body
    return quopri.decodestring(body) if encoding == "quoted-printable" else body


def _decoded(data: bytes, charset: str) -> str:
    try:
        codec = codecs.lookup(charset)
        text = data.decode(charset, "replace") if codec.name not in SLOW_OR_NO_TEXT else ""
    except (LookupError, ValueError):
        text = ""
    text = storable(text or data.decode("utf-8", "replace"))
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")


def storable(text: str) -> str:
    """What a database and UTF-8 take: no NUL and no half of a surrogate pair, both of which UTF-7 and JSON can spell."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _without_tags(page: str) -> str:
    text = page[:MOST_OF_A_PAGE]
    for begin, end in _UNSEEN:
        text = _without(text, begin, end)
    return html.unescape(_TAG.sub(" ", _BREAKS.sub("\n", text)))


def _without(text: str, begin: str, end: str) -> str:
    """Without what stands between the two, in one walk; one that is never closed is left."""
    low, kept, at = text.lower(), [], 0
    while (start := low.find(begin, at)) >= 0 and (stop := low.find(end, start)) >= 0:
        kept.append(text[at:start])
        at = stop
    return " ".join([*kept, text[at:]])
