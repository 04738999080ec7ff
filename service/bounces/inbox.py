"""Mails that came back: brought, kept, read and handled, one after the other. Nothing that one of them does stops the next.

the mailbox (IMAP)    asked once a minute, by one worker           kept
our listener, a pipe  bring them by themselves                     kept
kept and waiting      read apart (a thread), applied and marked in one transaction
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from service import logs
from service.bounces import imap, inbox_register, keeping, report, settling
from service.bounces.imap import Look
from service.bounces.inbox_register import Claim
from service.bounces.matching import Means
from service.bounces.models import ReturnedMail
from service.clock import Clock
from service.database import Database
from service.errors import MemoError

log = logs.get(__name__)

ROUNDS_MOST = 40  # of 25 mails: then others get their turn, and the next minute goes on
UNREADABLE = "This mail could not be read by us ({}). Nothing of it has been applied."


@dataclass(frozen=True)
class InboxReader:
    database: Database
    clock: Clock
    means: Means
    ca_file: Path | None = None

    async def look(self) -> None:
        """Everything there is to do now."""
        await self.fetch()
        await self.handle_waiting()

    async def handle_waiting(self) -> int:
        """Returns how many mails were handled or set aside."""
        done, behind = 0, 0
        while (mail := await self.database.read(keeping.waiting, behind=behind)) is not None:
            await self._handle(mail)
            done, behind = done + 1, mail.id
        return done

    async def fetch(self) -> int:
        """From the mailbox, if it is time; returns how many were new here. What goes wrong is written down, and tried again later."""
        now = self.clock.now()
        if not await self.database.read(inbox_register.is_due, now=now):
            return 0
        try:
            claim = await self.database.write(inbox_register.claim, self.means.keys, now=now)
            return await self._fetch(claim) if claim is not None else 0
        except MemoError as error:
            await self.database.write(inbox_register.note_problem, error.message, now=now)
            log.warning("inbox.problem", problem=error.message)
            return 0

    async def _fetch(self, claim: Claim) -> int:
        try:
            look = await asyncio.to_thread(Look, claim.inbox, claim.secret, self.ca_file)
        except imap.FAILURES as error:
            raise imap.MailboxUnreachable(imap.said(error)) from error
        try:
            return await self._rounds(look, claim)
        except imap.FAILURES as error:
            raise imap.MailboxUnreachable(imap.said(error)) from error
        finally:
            await asyncio.to_thread(look.close)

    async def _rounds(self, look: Look, claim: Claim) -> int:
        new, validity, last_uid = 0, claim.inbox.validity, claim.inbox.last_uid
        for _ in range(ROUNDS_MOST):
            found = await asyncio.to_thread(look.new, validity, last_uid)
            validity, last_uid = found.validity, found.last_uid
            new += await self.database.write(
                inbox_register.keep,
                claim.inbox.uid,
                list(found.mails.values()),
                validity=validity,
                last_uid=last_uid,
                now=self.clock.now(),
            )
            await asyncio.to_thread(look.done, list(found.mails))
            if found.is_all:
                break
        return new

    async def _handle(self, mail: ReturnedMail) -> None:
        """A mail that makes our reading or applying fail is set aside for a person; a database that is away fails for all of them."""
        now = self.clock.now()
        try:
            read = await asyncio.to_thread(report.read, mail.raw)
            await self.database.write(settling.settle, mail.id, read, self.means, now=now)
        except (sa.exc.OperationalError, sa.exc.InterfaceError, OSError):
            raise
        except Exception as error:
            log.error(
                "bounce.unreadable", mail=str(mail.uid), problem=f"{type(error).__name__}: {error}"[:300]
            )
            problem = UNREADABLE.format(type(error).__name__)
            await self.database.write(settling.set_aside, mail.id, problem, now=now)


@asynccontextmanager
async def listening(
    reader: InboxReader, address: tuple[str, int] | None, greeting: str
) -> AsyncIterator[None]:
    """Over SMTP as well, if there is an address to listen at."""
    paths = reader.means.return_paths
    if address is None or paths is None:
        yield
        return
    from service.bounces.listener import Listener

    listener = Listener(reader.database, reader.clock, paths, greeting=greeting)
    await listener.start(*address)
    try:
        yield
    finally:
        await listener.stop()
