"""A proof is written while it is read: a page of rows in, its bytes out, never more than a page in memory.

    facts (totals add up?) -> opening -> page, page, … (numbered without a gap?) -> listed (as the totals?) -> signature

Each page is one short read. Whoever finds something wrong on the way stops: a file without its last line is no proof.
"""

import asyncio
import hashlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from service.database import Database
from service.errors import Invalid
from service.ledger import lines
from service.ledger.lines import Line, Totals
from service.proofs import kept
from service.proofs.facts import DoesNotAddUp, Facts
from service.proofs.forms import FORMS, Form, Showing
from service.proofs.signature import Seal
from service.tokens import Keys

PAGE_ROWS = 1_000  # a page is a few milliseconds of the loop


class FormUnknown(Invalid):
    """A proof is made as json or as csv; choose one of the two."""


@dataclass(frozen=True)
class Wanted:
    """A proof as somebody asked for it."""

    form: Form
    has_whole_addresses: bool = False

    def file_name(self, facts: Facts) -> str:
        slot = f"-{facts.slot}" if facts.slot > 1 else ""
        return f"proof-{facts.newsletter_slug}-{facts.local_date.isoformat()}{slot}.{self.form.name}"

    def ensure_possible(self, facts: Facts) -> None:
        if facts.summarised_at is not None and (self.form is not FORMS["json"] or self.has_whole_addresses):
            raise kept.OnlyAsKept

    def headers(self, facts: Facts) -> dict[str, str]:
        """For a download; kept by nobody on the way, since it names readers. Raises OnlyAsKept."""
        self.ensure_possible(facts)
        return {
            "Content-Disposition": f'attachment; filename="{self.file_name(facts)}"',
            "Cache-Control": "no-store",
        }


def wanted(form: str, *, has_whole_addresses: bool = False) -> Wanted:
    if form not in FORMS:
        raise FormUnknown(field="format")
    return Wanted(FORMS[form], has_whole_addresses)


async def stream(database: Database, keys: Keys, facts: Facts, asked: Wanted) -> AsyncIterator[bytes]:
    """The file in pieces. Raises DoesNotAddUp in the middle of it rather than sign what is not so."""
    asked.ensure_possible(facts)
    if facts.summarised_at is not None:
        async for piece in kept.stream(database, facts.edition_id):
            yield piece
        return
    showing = Showing(asked.has_whole_addresses, facts.rendition_numbers)
    form, digest, listed = asked.form, hashlib.sha256(), Totals()
    opening = form.opening(facts, showing)
    digest.update(opening)
    yield opening
    after, until = 0, facts.totals.audience
    while after < until:
        page = await database.read(
            lines.page,
            facts.edition_id,
            after=after,
            until=until,
            limit=PAGE_ROWS,
            bounced_until=facts.bounced_until,
        )
        _check_numbers(page, after)
        listed.add(page)
        piece = await asyncio.to_thread(form.rows, page, showing, after == 0)
        digest.update(piece)
        yield piece
        after = page[-1].number
    _check_totals(facts, listed)
    closing = form.closing(listed)
    digest.update(closing)
    yield closing + form.sealed(await asyncio.to_thread(_signed, keys, digest.hexdigest()))


def _signed(keys: Keys, sha256: str) -> Seal:
    from service.proofs import seal

    return seal.sign(keys, sha256)


async def write(database: Database, keys: Keys, facts: Facts, asked: Wanted, path: Path | None) -> None:
    """To that file, whole or not at all; without one, to standard output."""
    with nullcontext(sys.stdout.buffer) if path is None else _made_whole(path) as file:
        async for piece in stream(database, keys, facts, asked):
            await asyncio.to_thread(file.write, piece)
        await asyncio.to_thread(file.flush)


@contextmanager
def _made_whole(path: Path) -> Iterator[BinaryIO]:
    """Under another name until it is signed; for its owner's eyes, since it names readers."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _check_numbers(lines: list[Line], after: int) -> None:
    for expected, line in enumerate(lines, after + 1):
        if line.number != expected:
            raise DoesNotAddUp(
                f"Reader {expected} is not in the ledger of this edition, so no proof of it is made."
            )
    if not lines:
        raise DoesNotAddUp(
            f"Reader {after + 1} is not in the ledger of this edition, so no proof of it is made."
        )


def _check_totals(facts: Facts, listed: Totals) -> None:
    """Of an edition that is still being sent rows go on while the file is written; there only their number must be right."""
    is_right = listed == facts.totals if facts.is_final else listed.audience == facts.totals.audience
    if not is_right:
        raise DoesNotAddUp("The rows changed while the proof was being written. Make it once more.")
