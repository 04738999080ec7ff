"""One reader's message: rendition, pins and the row's own values in, bytes out. Nothing here asks the database.

The same pins and row always give the same bytes, so a message that goes out a second time is the same message.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from service import addresses
from service.delivery.exchange import Envelope
from service.delivery.paging import Row
from service.delivery.return_paths import ReturnPaths
from service.editions.models import Edition, Rendition
from service.ledger import rows
from service.newsletters.models import Newsletter
from service.rendering import rendition as renditions
from service.rendering.content import Personal
from service.rendering.personal import MessageFacts, splice
from service.subscribers import links
from service.tokens import Keys


@dataclass(frozen=True)
class Mould:
    """What all messages of one rendition share."""

    edition_id: int
    edition_uid: uuid.UUID
    from_address: str
    domain: str
    rendition: renditions.Rendition


def mould(session: Session, rendition_id: int) -> Mould:
    query = (
        sa.select(col(Edition.id), col(Edition.uid), col(Newsletter.from_address), col(Rendition.data))
        .join(Edition, col(Edition.id) == col(Rendition.edition_id))
        .join(Newsletter, col(Newsletter.id) == col(Edition.newsletter_id))
        .where(col(Rendition.id) == rendition_id)
    )
    edition_id, uid, from_address, data = session.execute(query).one()
    domain = addresses.parse(from_address).domain
    return Mould(edition_id, uid, from_address, domain, renditions.Rendition.from_bytes(data))


def make(
    mould: Mould,
    row: Row,
    pins: Mapping[str, Any],
    *,
    keys: Keys,
    base_url: str,
    return_paths: ReturnPaths | None = None,
) -> Envelope:
    """The envelope of one delivery. Raises CannotSplice or AddressInvalid when this reader's values do not allow one.

    Without return paths what cannot be delivered comes back to the newsletter's own address.
    """
    address = addresses.wire_of(row.address)
    subscription = bytes.fromhex(row.fields["subscription"].replace("-", ""))
    leaving, own = links.both_of(keys, subscription, fingerprint=pins["key"])
    # By place, not by name: this runs for every message, and names cost more than the values.
    message_id = rows.message_id(mould.edition_uid, row.number, mould.domain)
    facts = MessageFacts(message_id, _moment(pins["date"]))
    first_name = row.fields.get("first_name") or ""
    fields = {"first_name": first_name} if first_name else {}
    personal = Personal(
        address,
        first_name or None,
        fields,
        f"{base_url}/unsubscribe/{leaving}",
        f"{base_url}/preferences/{own}",
        row.number,
    )
    made = splice(mould.rendition, facts, personal)
    mail_from = mould.from_address
    if return_paths is not None:
        mail_from = return_paths.of_delivery(mould.edition_id, row.number)
    return Envelope(mail_from, address, made, may_begin_lines_with_dots=False)


@lru_cache(maxsize=256)
def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
