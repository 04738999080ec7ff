"""An edition as one reader would get it: the very bytes of a message, taken apart again. Nothing of it may run or reach out."""

import asyncio
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from service.desk.visit import AtDesk, DeskRoute, Visit
from service.editions import content, queries
from service.ledger import rows
from service.rendering import body, personal
from service.rendering.content import EditionContent, Personal
from service.rendering.personal import MessageFacts

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
WARN_OCTETS = 90_000  # Gmail clips a message's HTML at 102 kB and hides the rest, the way out included
# What an article or an editor put into the message may show itself, and nothing else; it has no origin of its own.
POLICY = (
    "sandbox; default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'; font-src https: data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True)
class Sample:
    """One message, as it would leave now."""

    sender: str
    subject: str
    html: str
    text: str
    html_octets: int
    was_cut: bool

    @property
    def is_heavy(self) -> bool:
        return self.html_octets >= WARN_OCTETS or self.was_cut


@router.get("/desk/editions/{uid}/preview.html")
async def preview_html(visit: AtDesk, uid: UUID) -> Response:
    seen = await sample(visit, uid)
    return HTMLResponse(seen.html, headers=HEADERS)


async def sample(visit: Visit, uid: UUID) -> Sample:
    held = visit.resources
    found = await held.database.read(_content, uid, base_url=held.settings.base_url)
    return await asyncio.to_thread(_made, visit, uid, found)


def _content(session: Session, uid: UUID, *, base_url: str) -> EditionContent:
    return content.of(session, queries.get(session, uid), base_url=base_url)


def _made(visit: Visit, uid: UUID, found: EditionContent) -> Sample:
    held = visit.resources
    rendition = body.render(found, held.templates)
    facts = MessageFacts(
        message_id=rows.message_id(uid, 0, held.settings.greeting_name), date=held.clock.now()
    )
    reader = Personal(
        address=visit.account.address,
        greeting_name=None,
        fields={},
        unsubscribe_url=held.url("/unsubscribe/preview"),
        number=0,
    )
    message = message_from_bytes(
        personal.splice(rendition, facts, reader), _class=EmailMessage, policy=policy.default
    )
    return Sample(
        sender=str(message["From"]),
        subject=str(message["Subject"]),
        html=_part(message, "html"),
        text=_part(message, "plain"),
        html_octets=rendition.html_octets,
        was_cut=rendition.was_cut,
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
