"""One reader's message: a rendition's bytes and a few values, joined.

Runs once per delivery, so nothing here parses, renders or folds what is the same for everybody.
"""

import datetime
import html
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from service.errors import Invalid
from service.rendering import characters, direction, headers, transfer
from service.rendering.content import Personal
from service.rendering.fields import Hole
from service.rendering.rendition import Part, Rendition

_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"
_OWN_DIRECTION = 'dir="auto"'  # what bdi means, in a form that not only Apple's programs know


class CannotSplice(Invalid):
    """A value of this reader cannot be put into a message: correct it, then send again."""


class MessageFacts(NamedTuple):
    """What one message carries beside its content; `message_id` with its angle brackets."""

    message_id: str
    date: datetime.datetime
    list_unsubscribe_mailto: str | None = None
    feedback_id: str | None = None
    extra: Mapping[str, str] = MappingProxyType({})


def splice(rendition: Rendition, envelope: MessageFacts, personal: Personal) -> bytes:
    """Build the finished message. The same three arguments always give the same bytes.

    Raises CannotSplice, with the field's name, when a value of this reader cannot stand in a message.
    """
    values = _values(personal)
    runs: dict[str, bytes] = {}
    pieces = _head(rendition, envelope, personal, values)
    for seam, part in zip(rendition.seams, rendition.parts, strict=False):
        pieces.append(seam)
        pieces += (
            _quoted(part, values, runs) if part.encoding == "quoted-printable" else _base64(part, values)
        )
    pieces.append(rendition.seams[-1])
    return b"".join(pieces)


def _values(personal: Personal) -> dict[str, str]:
    values = {
        **personal.fields,
        "preferences_url": personal.preferences_url,
        "address": personal.address,
        "greeting_name": personal.greeting_name or "",
    }
    together = "".join(values.values())
    if not (together.isascii() and together.isprintable()):
        values = {name: _usable(name, value) for name, value in values.items()}
    values["unsubscribe_url"] = personal.unsubscribe_url  # judged where it becomes a header
    return values


def _usable(name: str, value: str) -> str:
    if value.isascii() and value.isprintable():
        return value
    if characters.is_unusable(value):
        raise CannotSplice(
            f"The value for {name!r} holds a line break, a control character or half a character: correct it.",
            field=name,
        )
    return unicodedata.normalize("NFC", characters.without_direction_controls(value))


def _head(
    rendition: Rendition, envelope: MessageFacts, personal: Personal, values: Mapping[str, str]
) -> list[bytes]:
    message_id, date, mailto, feedback_id, extra = envelope
    try:
        head = [
            rendition.sender,
            headers.mailbox("To", " ".join(values["greeting_name"].split()), personal.address),
            headers.unstructured("Subject", rendition.bare_subject or _subject(rendition, values)),
            headers.date(date),
            headers.message_id(message_id),
            headers.list_unsubscribe(personal.unsubscribe_url, mailto),
        ]
        if feedback_id:
            head.append(headers.plain("Feedback-ID", feedback_id))
        head += [headers.plain(name, value) for name, value in extra.items()]
    except headers.HeaderInvalid as error:
        raise CannotSplice(error.message, field=error.field) from error
    head.append(rendition.fixed)
    return head


def _subject(rendition: Rendition, values: Mapping[str, str]) -> str:
    isolating = any(
        direction.has_right_to_left(piece if isinstance(piece, str) else _value(piece, values))
        for piece in rendition.subject
    )
    return "".join(
        piece if isinstance(piece, str) else _isolated(_value(piece, values), isolating=isolating)
        for piece in rendition.subject
    )


def _quoted(part: Part, values: Mapping[str, str], links: dict[str, bytes]) -> list[bytes]:
    """`links` are this reader's as they were encoded before: both parts have the same."""
    pieces = [*part.laid_out]
    subtype, isolating = part.subtype, part.is_isolating
    for hole, places in part.places:
        value = _value(hole, values)
        if hole.place == "link":
            link = html.escape(value) if subtype == "html" else value
            if (run := links.get(link)) is None:
                # Of the one that is a header too, that has made sure.
                encoded = transfer.visible_run if hole.field == "unsubscribe_url" else transfer.quoted_run
                run = links[link] = encoded(link)
        elif hole.field == "address":
            run = transfer.quoted_run(_placed(subtype, hole, value, isolating=isolating))
        else:
            run = _met_before(subtype, hole, value, isolating)
        for place in places:
            pieces[place] = run
    return pieces


@lru_cache(maxsize=4_096)
def _met_before(subtype: str, hole: Hole, value: str, isolating: bool) -> bytes:
    """What is not one reader's alone is mostly a first name, or what stands for one."""
    return transfer.quoted_run(_placed(subtype, hole, value, isolating=isolating))


def _base64(part: Part, values: Mapping[str, str]) -> list[bytes]:
    return transfer.base64_joined(
        tuple(
            _placed(part.subtype, piece, _value(piece, values), isolating=part.is_isolating).encode()
            if isinstance(piece, Hole)
            else piece
            for piece in part.prepared
        )
    )


def _value(hole: Hole, values: Mapping[str, str]) -> str:
    return values.get(hole.field, "").strip() or hole.default


def _placed(subtype: str, hole: Hole, value: str, *, isolating: bool) -> str:
    """A value as it must be spelled where it lands; it is never looked at as syntax again."""
    if hole.place == "url":
        value = quote(value, safe="")
    if subtype == "plain":
        in_text = hole.place == "text" and hole.field != "address"
        return _isolated(value, isolating=isolating) if in_text else value
    escaped = html.escape(value)
    return f"<span {_OWN_DIRECTION}>{escaped}</span>" if hole.place == "text" else escaped


def _isolated(value: str, *, isolating: bool) -> str:
    """Keep a name from reordering the text around it; where both run left to right there is nothing to keep apart."""
    if value and (isolating or direction.has_right_to_left(value)):
        return f"{_ISOLATE}{value}{_END_OF_ISOLATE}"
    return value
