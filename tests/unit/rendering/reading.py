"""A message as its reader's program takes it apart (the standard library's parser, not our own code)."""

import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage

from service.rendering import body, personal
from service.rendering.content import EditionContent, Personal
from tests.support import message_check
from tests.unit.rendering import samples


@dataclass(frozen=True)
class Reading:
    raw: bytes
    headers: EmailMessage
    text: str
    html: str

    def header(self, name: str) -> str:
        return str(self.headers[name])


def parsed(raw: bytes) -> Reading:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return Reading(raw, message, text.get_content(), html.get_content())


def received(content: EditionContent, reader: Personal = samples.PERSONAL) -> Reading:
    """Render and splice, and let the reusable check look at the bytes first."""
    raw = personal.splice(body.render(content, samples.TEMPLATES), samples.ENVELOPE, reader)
    good(raw, "edition", reader.address)
    return parsed(raw)


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
