"""A message as its reader's program takes it apart (the standard library's parser, not our own code)."""

import email
import email.header
import re
from dataclasses import dataclass
from email.message import Message

from lxml import etree
from lxml import html as lxml_html

from service.rendering import body, personal
from service.rendering.content import EditionContent, NewsletterFacts, Personal
from service.rendering.rendition import Rendition
from tests.support import message_check
from tests.unit.rendering import samples


@dataclass(frozen=True)
class Reading:
    raw: bytes
    headers: Message
    text: str
    html: str

    def header(self, name: str) -> str:
        value = re.sub(r"\r?\n", "", self.headers[name])
        return str(email.header.make_header(email.header.decode_header(value)))


def parsed(raw: bytes) -> Reading:
    message = email.message_from_bytes(raw)
    assert message.get_content_type() == "multipart/alternative"
    plain, html = (part for part in message.walk() if not part.is_multipart())
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return Reading(raw, message, _content(plain), _content(html))


def _content(part: Message) -> str:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode().replace("\r\n", "\n")


_RENDERED: dict[tuple[NewsletterFacts, str, str], Rendition] = {}


def rendered(content: EditionContent) -> Rendition:
    """Each content is rendered once for all tests: it is the slow step, and a pure one."""
    key = (content.newsletter, content.document.sha256(), repr(content.pictures))
    if key not in _RENDERED:
        _RENDERED[key] = body.render(content, samples.TEMPLATES)
    return _RENDERED[key]


def received(content: EditionContent, reader: Personal = samples.PERSONAL) -> Reading:
    """Render and splice, and let the reusable check look at the bytes first."""
    raw = personal.splice(rendered(content), samples.ENVELOPE, reader)
    good(raw, "edition", reader.address)
    return parsed(raw)


def elements(html: str, path: str) -> list[etree._Element]:
    found = lxml_html.document_fromstring(html).xpath(path)
    assert isinstance(found, list)
    return [element for element in found if isinstance(element, etree._Element)]


def words_of(element: etree._Element) -> str:
    return "".join(str(piece) for piece in element.itertext()).strip()


def attribute(element: etree._Element, name: str) -> str | None:
    value = element.get(name)
    return None if value is None else str(value)


def good(raw: bytes, kind: str, address: str) -> None:
    assert kind in {"edition", "notice"}
    message_check.assert_good(
        raw,
        kind="edition" if kind == "edition" else "notice",
        mail_from="bounce@news.example.org",
        rcpt_to=address,
        public_url="https://news.example.org",
        now=samples.ENVELOPE.date,
    )


def faults(raw: bytes, address: str) -> list[str]:
    return message_check.check(
        raw,
        kind="edition",
        mail_from="bounce@news.example.org",
        rcpt_to=address,
        public_url="https://news.example.org",
        now=samples.ENVELOPE.date,
    )


def lines_hold(raw: bytes) -> None:
    """The rules for lines that hold for every message, whatever is in it (RFC 5322 §2.1.1, RFC 2045 §6.7, RFC 5321 §4.5.2)."""
    assert raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n")
    assert raw.isascii()
    head, _, text = raw.partition(b"\r\n\r\n")
    unsubscribe = [line for line in head.split(b"\r\n") if line.startswith((b"List-Unsubscribe:", b" <"))]
    for line in head.split(b"\r\n"):
        assert len(line) <= (998 if line in unsubscribe else 76), line
    for line in text.split(b"\r\n"):
        assert len(line) <= 76, line
        assert not line.startswith((b".", b"From ")), line
        assert not line.endswith((b" ", b"\t")), line
