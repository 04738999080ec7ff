"""A proof kept for good, when the rows it was made from are to go: compressed, in pieces, read back as the very bytes that were signed."""

import asyncio
import zlib
from collections.abc import AsyncIterator

import sqlalchemy as sa
from sqlmodel import Session, col

from service.database import Database
from service.errors import Conflict
from service.proofs.models import ProofPart

PART_OCTETS = 256 * 1024


class OnlyAsKept(Conflict):
    """The details of this edition are summarised. Its proof is kept as it was then: as JSON, with masked addresses."""


async def keep(database: Database, edition_id: int, pieces: AsyncIterator[bytes]) -> None:
    """In place of what an attempt that was cut short has left. Raises what the pieces raise; then nothing counts."""
    await database.write(_begin, edition_id)
    packing, waiting, number = zlib.compressobj(9), bytearray(), 0
    async for piece in pieces:
        waiting += await asyncio.to_thread(packing.compress, piece)
        if len(waiting) >= PART_OCTETS:
            await database.write(_add, edition_id, number, bytes(waiting))
            waiting.clear()
            number += 1
    await database.write(_add, edition_id, number, bytes(waiting) + packing.flush())


async def stream(database: Database, edition_id: int) -> AsyncIterator[bytes]:
    unpacking, number = zlib.decompressobj(), 0
    while (part := await database.read(_part, edition_id, number)) is not None:
        yield await asyncio.to_thread(unpacking.decompress, part)
        number += 1


def _begin(session: Session, edition_id: int) -> None:
    session.execute(sa.delete(ProofPart).where(col(ProofPart.edition_id) == edition_id))


def _add(session: Session, edition_id: int, number: int, data: bytes) -> None:
    session.add(ProofPart(edition_id=edition_id, number=number, data=data))


def _part(session: Session, edition_id: int, number: int) -> bytes | None:
    found = session.get(ProofPart, (edition_id, number))
    return found.data if found is not None else None
