"""A caught message taken apart for a page. Any bytes can be opened; what cannot be read is left out, and said."""

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from email.utils import collapse_rfc2231_value

from service.mailbox import header_text

# More is no use on a page; the raw message has all of it.
LONGEST_TEXT = 200_000
MOST_HEADERS = 200


@dataclass(frozen=True)
class Header:
    name: str
    value: str


@dataclass(frozen=True)
class Part:
    """A part that is neither the text nor the HTML shown."""

    name: str
    kind: str
    octets: int


@dataclass(frozen=True)
class Opened:
    headers: tuple[Header, ...]
    html: str | None
    text: str | None
    others: tuple[Part, ...]
    is_damaged: bool = False

    def first(self, name: str) -> str:
        """That header's value, or nothing."""
        return next((one.value for one in self.headers if one.name.lower() == name.lower()), "")


def opened(raw: bytes) -> Opened:
    headers = _headers(raw)
    try:
        html, text, others = _parts(message_from_bytes(raw, policy=policy.compat32))
    except Exception:
        # The standard parser fails in ways it does not document: unknown character sets, parts nested too deeply.
        return Opened(headers, None, None, (), is_damaged=True)
    return Opened(headers, html, text, others)


def without_excess(text: str) -> tuple[str, bool]:
    """What a page can show of it, and whether that is less than all."""
    return text[:LONGEST_TEXT], len(text) > LONGEST_TEXT


def _headers(raw: bytes) -> tuple[Header, ...]:
    lines: list[bytes] = []
    for line in header_text.head_of(raw).splitlines():
        if lines and line[:1] in {b" ", b"\t"}:
            lines[-1] += b"\n" + line
        else:
            lines.append(line)
    return tuple(_header(line) for line in lines[:MOST_HEADERS])


def _header(line: bytes) -> Header:
    name, _, value = header_text.in_unicode(line).partition(":")
    return Header(header_text.single_line(name), header_text.decoded(value))


def _parts(message: Message) -> tuple[str | None, str | None, tuple[Part, ...]]:
    html: str | None = None
    text: str | None = None
    others: list[Part] = []
    for part in message.walk():
        if part.is_multipart():
            continue
        kind, is_attached = part.get_content_type(), part.get_content_disposition() == "attachment"
        content = _content(part)
        if kind == "text/html" and html is None and not is_attached:
            html = header_text.text_of(content, _character_set(part))
        elif kind == "text/plain" and text is None and not is_attached:
            text = header_text.text_of(content, _character_set(part)).replace("\r\n", "\n")
        else:
            others.append(Part(_name(part), header_text.single_line(kind), len(content)))
    return html, text, tuple(others)


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _character_set(part: Message) -> str:
    return part.get_content_charset() or ""


def _name(part: Message) -> str:
    given = part.get_param("filename", header="content-disposition") or part.get_param("name") or ""
    return header_text.decoded(collapse_rfc2231_value(given))
