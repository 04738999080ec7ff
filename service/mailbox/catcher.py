"""The mailbox's SMTP server: inside the application's loop, on loopback, 250 only when the message is committed."""

import asyncio
import os
import weakref

from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as Peer

from service import logs
from service.clock import Clock
from service.database import Database
from service.errors import Conflict
from service.mailbox import store
from service.receiving import Receiver
from service.settings import Settings

log = logs.get(__name__)

HOST = "127.0.0.1"
MESSAGE_OCTETS = 10 * 1024 * 1024
RECIPIENTS = 50


class MailboxPortTaken(Conflict):
    """The built-in mailbox cannot listen on its port. Set MEMO_MAILBOX_PORT to a free one, or to 0 for any."""


class MailboxBesideRelay(Conflict):
    """A relay is set, so there is no built-in mailbox. Leave MEMO_RELAY_URL empty to keep every message on this computer."""


class Catcher(Receiver):
    """Stop it after the worker."""

    def __init__(self, settings: Settings, database: Database, clock: Clock) -> None:
        super().__init__(weakref.WeakSet())
        self._settings = settings
        self._handler = _Handler(database, clock)

    @property
    def relay_url(self) -> str:
        """What a worker sends to."""
        return f"smtp://{HOST}:{self.port}?tls=none"

    async def start(self) -> int:
        if self._settings.relay_url:
            raise MailboxBesideRelay
        wanted = self._settings.mailbox_port
        try:
            await self._listen(HOST, wanted)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise MailboxPortTaken(
                f"The built-in mailbox cannot listen on {HOST}, port {wanted}: {reason}. "
                "Set MEMO_MAILBOX_PORT to a free port, or to 0 for any."
            ) from error
        log.info("mailbox.started", port=self.port)
        return self.port

    def _connection(self) -> SMTP:
        made = SMTP(
            self._handler,
            data_size_limit=MESSAGE_OCTETS,
            enable_SMTPUTF8=True,
            decode_data=False,
            hostname="localhost",  # else it asks the name service
            ident="Morning Memo mailbox",
            loop=asyncio.get_running_loop(),
        )
        self._connections.add(made)
        return made


class _Handler:
    """aiosmtpd finds these by their names."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, peer: Peer, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return f"452 4.5.3 At most {RECIPIENTS} recipients for one message"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, peer: Peer, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)  # decode_data is off
        try:
            await self._database.write(
                store.keep,
                mail_from=envelope.mail_from or "",
                rcpt_tos=tuple(envelope.rcpt_tos),
                raw=envelope.content,
                now=self._clock.now(),
            )
        except Exception as error:
            # Its text may quote the message; its kind says enough, and the sender tries again.
            log.error("mailbox.not_kept", problem=type(error).__name__)
            return "451 4.3.0 The message could not be kept now, try again later"
        return "250 2.0.0 Kept in the mailbox"
