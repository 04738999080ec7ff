"""Messages that cannot be made. One of them is its reader's matter, and is held; several in a row are ours, and stop the edition."""

import asyncio
import uuid
from collections import Counter

import sqlalchemy as sa

from service import logs
from service.delivery import halting
from service.delivery.fence import Take
from service.delivery.halting import SENDER, Halt
from service.delivery.office import Office
from service.errors import MemoError

log = logs.get(__name__)

IN_A_ROW_MOST = 5


class Unmade:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._in_a_row: Counter[int] = Counter()  # by edition
        self._halting: set[asyncio.Task[None]] = set()
        self._stopping: set[tuple[int, int]] = set()  # editions and their turns

    def is_stopping(self, taken: Take) -> bool:
        """Nothing more of it is tried, though the pause may not be written yet: a page that waits would be held to the last reader."""
        return bool(self._stopping) and (taken.edition_id, taken.turn) in self._stopping

    def one_was_made(self, edition_id: int) -> None:
        if self._in_a_row:
            self._in_a_row.pop(edition_id, None)

    def note(self, taken: Take, edition_uid: uuid.UUID, error: Exception) -> str:
        """Returns what its row is to say. Of a fault that nobody foresaw the log has where; its words may quote the message."""
        said = (
            error.message if isinstance(error, MemoError) else f"a fault of our own, {type(error).__name__}"
        )
        if not isinstance(error, MemoError):
            log.error("message.cannot_be_made", edition=str(edition_uid), problem=said, exc_info=error)
        self._in_a_row[taken.edition_id] += 1
        if self._in_a_row[taken.edition_id] == IN_A_ROW_MOST:
            del self._in_a_row[taken.edition_id]  # the next five, of another turn, stop it again
            self._stopping.add((taken.edition_id, taken.turn))
            task = asyncio.create_task(self._halt(taken, edition_uid, said))
            self._halting.add(task)
            task.add_done_callback(self._halting.discard)
        return said

    async def settled(self) -> None:
        """Once the pauses that are on their way are written, or could not be."""
        if self._halting:
            await asyncio.wait(self._halting)

    async def _halt(self, taken: Take, edition_uid: uuid.UUID, said: str) -> None:
        reason = f"The messages of {IN_A_ROW_MOST} readers in a row could not be made: {said.rstrip('.')}. Those readers are held"
        log.warning("edition.paused", edition=str(edition_uid), reason=reason)
        halt, is_written = Halt(reason, SENDER, taken.turn), False
        try:
            await self._office.database.write(halting.halt, edition_uid, halt, now=self._office.clock.now())
            is_written = True
        except (MemoError, sa.exc.SQLAlchemyError, OSError) as error:
            # Somebody was faster, or the next five say so.
            log.warning("edition.not_paused", edition=str(edition_uid), problem=str(error).splitlines()[0])
        finally:
            if not is_written:
                self._stopping.discard((taken.edition_id, taken.turn))
