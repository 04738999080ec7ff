"""An edition as one reader would get it, with what may go wrong with it."""

import uuid

from sqlmodel import Session

from service.api.shapes.editions import Preview
from service.dependencies import Resources
from service.editions import composition, pictures, queries, specimen
from service.editions.specimen import Specimen
from service.errors import Invalid


async def preview(resources: Resources, uid: uuid.UUID, reader: str) -> Preview:
    seen = await specimen.take(resources, uid, reader)
    unready = await resources.database.read(_unready, uid)
    return Preview(
        sender=seen.sender,
        to=seen.reader.address,
        subject=seen.subject,
        html=seen.html,
        text=seen.text,
        html_octets=seen.html_octets,
        warnings=[*unready, *_warnings(seen)],
    )


def _unready(session: Session, uid: uuid.UUID) -> list[str]:
    edition = queries.get(session, uid)
    document = composition.document_of(session, edition)
    said = pictures.standing(session, edition, document).said
    try:
        composition.check_sendable(document)
    except Invalid as error:
        return [error.message, *said]
    return said


def _warnings(seen: Specimen) -> list[str]:
    if seen.was_cut:
        return ["Long texts were cut, with a link to the whole, so that Gmail does not clip the message."]
    if seen.is_heavy:
        return [
            f"The HTML has {seen.html_octets:,} octets; Gmail clips it at {seen.clipped_octets:,} and hides the rest."
        ]
    return []
