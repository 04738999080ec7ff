"""Our own SMTP listener for what comes back: 250 only when a mail is kept, and nothing is taken that is not for our bounce domain.

It never answers a mail, forwards none, and offers no sign-in. A return path that we did not make is refused at RCPT, so that whoever made
it up is told at once (RFC 5321 section 3.6.2).
"""

import asyncio
from collections.abc import MutableSet
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as Peer

from service import logs
from service.bounces import keeping
from service.bounces.keeping import Brought
from service.clock import Clock
from service.database import Database
from service.delivery import return_paths
from service.delivery.return_paths import ReturnPaths
from service.errors import Conflict
from service.receiving import Receiver

log = logs.get(__name__)

SOURCE = "smtp"
MESSAGE_OCTETS = 10 * 1024 * 1024
RECIPIENTS = 20
CONNECTIONS = 30
IDLE_SECONDS = 60
# Beside return paths: who runs a mail server is reached by the first two (RFC 2142), feedback loops are told one of the others.
READ_BY_PEOPLE = {"postmaster", "abuse", "fbl", "complaints"}


class ListenerPortTaken(Conflict):
    """The listener for bounces cannot have its port. Set MEMO_BOUNCE_LISTEN to a free one."""


class Listener(Receiver):
    def __init__(self, database: Database, clock: Clock, paths: ReturnPaths, *, greeting: str) -> None:
        super().__init__(set())
        self._handler = _Handler(database, clock, paths)
        self._greeting = greeting

    async def start(self, host: str, port: int) -> None:
        try:
            await self._listen(host, port)
        except OSError as error:
            raise ListenerPortTaken(
                f"The listener for bounces cannot have {host}:{port}: {error.strerror or error}. Set MEMO_BOUNCE_LISTEN to another."
            ) from error
        log.info("bounce_listener.started", host=host, port=self.port)

    def _connection(self) -> asyncio.Protocol:
        if len(self._connections) >= CONNECTIONS:
            return _Full()
        return _Connection(self._connections, self._handler, self._greeting)


class _Connection(SMTP):
    def __init__(self, all_of_them: MutableSet[SMTP], handler: "_Handler", greeting: str) -> None:
        super().__init__(
            handler,
            data_size_limit=MESSAGE_OCTETS,
            enable_SMTPUTF8=True,
            decode_data=False,
            hostname=greeting,
            ident="Morning Memo, for what comes back",
            timeout=IDLE_SECONDS,
            loop=asyncio.get_running_loop(),
        )
        self._all_of_them = all_of_them

    def connection_made(self, transport: Any) -> None:
        self._all_of_them.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._all_of_them.discard(self)
        super().connection_lost(error)


class _Full(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
        transport.close()


class _Handler:
    """aiosmtpd finds these by their names."""

    def __init__(self, database: Database, clock: Clock, paths: ReturnPaths) -> None:
        self._database = database
        self._clock = clock
        self._paths = paths

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, peer: Peer, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not self._paths.is_ours(address):
            return "550 5.7.1 We take mail for our bounce domain only"
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return f"452 4.5.3 At most {RECIPIENTS} recipients for one message"
        local = address.rpartition("@")[0].lower()
        if self._paths.read(address) is None and local not in READ_BY_PEOPLE:
            if return_paths.has_form(address):
                log.warning("bounce.forged", source=SOURCE)
            return "550 5.1.1 There is no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, peer: Peer, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)  # decode_data is off
        mails = [Brought(SOURCE, envelope.content, rcpt_to) for rcpt_to in envelope.rcpt_tos]
        try:
            await self._database.write(keeping.keep_all, mails, now=self._clock.now())
        except Exception as error:
            # Its text may quote the message; its kind says enough, and the sender tries again.
            log.error("bounce.not_kept", problem=type(error).__name__)
            return "451 4.3.0 The message could not be kept now, try again later"
        return "250 2.0.0 Kept"
