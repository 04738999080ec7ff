"""Who got it, who did not, and what the relay said: an edition's deliveries by state and by address."""

import re
import unicodedata
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response
from sqlmodel import Session

from service import addresses
from service.addresses import AddressInvalid
from service.delivery import missing
from service.desk.visit import AtDesk, DeskRoute
from service.editions import composition, queries
from service.editions.models import Edition
from service.errors import Invalid
from service.ledger import progress, rows
from service.ledger.models import DeliveryState, Reopening
from service.ledger.progress import Progress
from service.ledger.rows import Conditions, DeliveryRow
from service.newsletters import publication
from service.newsletters.models import Newsletter

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
ROWS_PER_PAGE = 100
SEARCH_CHARACTERS = 320
MISSING = "missing"  # chosen like a state; it is a judgement on several
_DECORATION = re.compile(r"^(?:mailto:)?\s*<?|>$", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    edition: Edition
    newsletter: Newsletter
    subject: str
    figures: Progress
    rows: tuple[DeliveryRow, ...]
    next_after: int | None


@router.get("/desk/editions/{uid}/deliveries")
async def deliveries(
    visit: AtDesk, uid: UUID, state: str = "", address: str = "", after: int = 0
) -> Response:
    is_missing = state == MISSING
    conditions = missing.those(Reopening.MISSING) if is_missing else rows.in_state(_state(state))
    found = await visit.resources.database.read(
        find, uid, (*conditions, *rows.with_address(searched(address))), after=max(0, after)
    )
    return visit.render(
        "desk/deliveries.html",
        found=found,
        states=list(DeliveryState),
        state=state,
        address=address[:SEARCH_CHARACTERS],
        after=after,
    )


def find(session: Session, uid: UUID, conditions: Conditions, *, after: int) -> Found:
    edition = queries.get(session, uid)
    listed = rows.matching(session, edition.id, conditions, after=after, limit=ROWS_PER_PAGE + 1)
    is_more = len(listed) > ROWS_PER_PAGE
    shown = tuple(listed[:ROWS_PER_PAGE])
    return Found(
        edition=edition,
        newsletter=publication.get_by_id(session, edition.newsletter_id),
        subject=composition.document_of(session, edition).subject,
        figures=progress.of(session, edition.id),
        rows=shown,
        next_after=shown[-1].number if is_more else None,
    )


def searched(text: str) -> str | None:
    """Any spelling of a whole address finds its one row (faults.md NB-20); a part of one is looked for as it is."""
    try:
        return addresses.parse(text).wire
    except AddressInvalid:
        printable = "".join(letter for letter in text if unicodedata.category(letter)[0] != "C")
        return _DECORATION.sub("", printable.strip()).strip()[:SEARCH_CHARACTERS] or None


def _state(word: str) -> DeliveryState | None:
    if not word:
        return None
    try:
        return DeliveryState(word)
    except ValueError as error:
        raise Invalid(f"There is no delivery state “{word[:40]}”: choose one from the list.") from error
