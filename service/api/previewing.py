"""An edition as one reader would get it: the very bytes of a message, taken apart again."""

import asyncio
import uuid
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from sqlmodel import Session

from service.api.shapes.editions import Preview
from service.dependencies import Resources
from service.editions import composition, content, queries
from service.errors import Invalid
from service.ledger import rows
from service.rendering import body, personal
from service.rendering.content import EditionContent, Personal
from service.rendering.personal import MessageFacts

WARN_OCTETS = 90_000  # Gmail clips a message's HTML at 102 kB and hides the rest, the way out included


async def preview(resources: Resources, uid: uuid.UUID) -> Preview:
    found = await resources.database.read(_content, uid, resources.settings.base_url)
    return await asyncio.to_thread(_preview, resources, uid, found, resources.clock.now())


def _content(session: Session, uid: uuid.UUID, base_url: str) -> EditionContent:
    return content.of(session, queries.get(session, uid), base_url=base_url)


def _preview(resources: Resources, uid: uuid.UUID, found: EditionContent, now: datetime) -> Preview:
    rendition = body.render(found, resources.templates)
    reader = Personal(
        address="reader@example.org",
        greeting_name=None,
        fields={},
        unsubscribe_url=resources.url("/unsubscribe/preview"),
        number=0,
    )
    facts = MessageFacts(message_id=rows.message_id(uid, 0, resources.settings.greeting_name), date=now)
    raw = personal.splice(rendition, facts, reader)
    message = message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
    return Preview(
        sender=str(message["From"]),
        subject=str(message["Subject"]),
        html=_part(message, "html"),
        text=_part(message, "plain"),
        html_octets=rendition.html_octets,
        warnings=_warnings(found, rendition.html_octets, was_cut=rendition.was_cut),
    )


def _warnings(found: EditionContent, html_octets: int, *, was_cut: bool) -> list[str]:
    warnings = []
    try:
        composition.check_sendable(found.document)
    except Invalid as error:
        warnings.append(error.message)
    if was_cut:
        warnings.append(
            "Long texts were cut, with a link to the whole, so that Gmail does not clip the message."
        )
    elif html_octets >= WARN_OCTETS:
        warnings.append(f"The HTML has {html_octets:,} octets; Gmail clips it at 102,000 and hides the rest.")
    return warnings


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
