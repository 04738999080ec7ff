"""A message as a strict reader sees it: its raw fields, its parts as sent and as decoded, its page as a tree."""

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.parser import BytesParser
from functools import cached_property
from typing import Literal

from lxml import etree

Kind = Literal["edition", "notice"]

FIELD = re.compile(rb"([!-9;-~]+):(.*)", re.DOTALL)
LINK = re.compile(r"https?://[^\s<>\"')\]]+")
IS_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|max-height\s*:\s*0|mso-hide|opacity\s*:\s*0(?![.\d])", re.I
)
SILENT_TAGS = {"head", "style", "script", "title"}


@dataclass(frozen=True)
class Field:
    name: str
    raw: bytes

    @property
    def lines(self) -> list[bytes]:
        return self.raw.split(b"\r\n")

    @property
    def value(self) -> str:
        """Unfolded: the line ends go, the blanks after them stay (RFC 5322 section 2.2.3)."""
        return self.raw.partition(b":")[2].replace(b"\r\n", b"").strip().decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Leaf:
    """A part without parts of its own."""

    type: str
    charset: str
    encoding: str
    encoded: str

    @cached_property
    def lines(self) -> list[str]:
        return self.encoded.split("\n")

    @cached_property
    def decoded(self) -> bytes | None:
        raw = self.encoded.encode("utf-8", "surrogateescape")
        if self.encoding == "quoted-printable":
            return quopri.decodestring(raw)
        if self.encoding != "base64":
            return raw
        try:
            return base64.b64decode(b"".join(raw.split()), validate=True)
        except binascii.Error:
            return None

    @cached_property
    def text(self) -> str | None:
        """None where the octets are no UTF-8."""
        try:
            return None if self.decoded is None else self.decoded.decode("utf-8").replace("\r\n", "\n")
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True)
class Sight:
    data: bytes
    kind: Kind
    mail_from: str
    rcpt_to: str
    public_url: str
    now: datetime

    @cached_property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0]

    @cached_property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]

    @cached_property
    def head_fields(self) -> tuple[list[Field], list[bytes]]:
        """The fields, and the lines that are none."""
        fields: list[Field] = []
        strays: list[bytes] = []
        for raw in re.split(rb"\r\n(?![ \t])", self.head):
            found = FIELD.match(raw)
            if found is None or any(not line.strip() for line in raw.split(b"\r\n")):
                strays.append(raw)
            else:
                fields.append(Field(found[1].decode("ascii"), raw))
        return fields, strays

    def all(self, name: str) -> list[Field]:
        return [field for field in self.head_fields[0] if field.name.lower() == name.lower()]

    def value(self, name: str) -> str:
        """The first of that name, or nothing."""
        found = self.all(name)
        return found[0].value if found else ""

    @cached_property
    def message(self) -> Message:
        return BytesParser().parsebytes(self.data)

    @cached_property
    def leaves(self) -> list[Leaf]:
        return [_leaf(part) for part in self.message.walk() if not part.is_multipart()]

    def find(self, wanted: str) -> Leaf | None:
        return next((leaf for leaf in self.leaves if leaf.type == wanted), None)

    @cached_property
    def plain(self) -> str:
        leaf = self.find("text/plain")
        return (leaf.text if leaf else None) or ""

    @cached_property
    def html(self) -> str:
        leaf = self.find("text/html")
        return (leaf.text if leaf else None) or ""

    @cached_property
    def page(self) -> etree._Element:
        return etree.HTML(self.html if self.html.strip() else "<html></html>")

    def elements(self, *tags: str) -> list[etree._Element]:
        return list(self.page.iter(*tags))

    @cached_property
    def visible_text(self) -> list[str]:
        return [text for text, is_hidden in _texts(self.page, False) if not is_hidden]

    @cached_property
    def hidden_text(self) -> list[str]:
        return [text for text, is_hidden in _texts(self.page, False) if is_hidden]

    @cached_property
    def html_links(self) -> list[str]:
        return [(anchor.get("href") or "").strip() for anchor in self.elements("a")]

    @cached_property
    def visible_links(self) -> dict[str, str]:
        """Address to text (or the picture's alt), of links that a person can see."""
        found: dict[str, str] = {}
        for anchor in self.elements("a"):
            around = [anchor, *anchor.iterancestors()]
            if not any(is_hidden(element) for element in around):
                alts = [image.get("alt") or "" for image in anchor.iter("img")]
                found[(anchor.get("href") or "").strip()] = "".join(
                    [*map(str, anchor.itertext()), *alts]
                ).strip()
        return found


def is_hidden(element: etree._Element) -> bool:
    return element.get("hidden") is not None or IS_HIDDEN.search(element.get("style") or "") is not None


def _leaf(part: Message) -> Leaf:
    payload = part.get_payload()
    return Leaf(
        type=part.get_content_type(),
        charset=str(part.get_param("charset", "")).lower(),
        encoding=str(part.get("Content-Transfer-Encoding", "7bit")).strip().lower(),
        encoded=payload.replace("\r\n", "\n") if isinstance(payload, str) else "",
    )


def _texts(element: etree._Element, hidden: bool) -> Iterator[tuple[str, bool]]:
    is_element = isinstance(element.tag, str)
    if is_element and element.tag not in SILENT_TAGS:
        inner = hidden or is_hidden(element)
        yield element.text or "", inner
        for child in element:
            yield from _texts(child, inner)
    yield element.tail or "", hidden
