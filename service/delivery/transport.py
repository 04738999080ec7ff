"""One connection to the relay, over aiosmtplib: it connects, greets, upgrades and signs in; we speak the envelopes ourselves,
because only then do we know how far an attempt came (deliverability.md S2).

    connect -> [MAIL -> RCPT -> DATA -> body -> dot -> reply]* -> QUIT

`hand_over` never raises for what a relay says or fails to say: that is an outcome. Only failing to connect raises.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPResponseException, SMTPServerDisconnected
from aiosmtplib.response import SMTPResponse

from service.delivery.outcome import Phase, Reply
from service.errors import Invalid, Unavailable

IDLE_SECONDS = 50  # relays close idle connections after 60 s and more
MESSAGES_PER_CONNECTION = 1_000
QUIT_SECONDS = 5
_DOT_AT_START = re.compile(rb"(?m)^\.")

Tls = Literal["implicit", "required", "opportunistic", "none"]


class RelayUrlInvalid(Invalid):
    """MEMO_RELAY_URL cannot be used: it has the form smtp://user:password@host:port?tls=required."""


class RelayDown(Unavailable):
    """The relay cannot be reached."""


@dataclass(frozen=True)
class RelayAddress:
    host: str
    port: int
    tls: Tls
    user: str | None
    password: str | None
    ca_file: Path | None
    ehlo_name: str

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Timeouts:
    """Seconds; RFC 5321 §4.5.3.2."""

    connect: float = 30
    reply: float = 300
    dot: float = 600


@dataclass(frozen=True)
class Envelope:
    mail_from: str
    rcpt_to: str
    message: bytes


def read_address(url: str, *, ehlo_name: str, ca_file: Path | None = None) -> RelayAddress:
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise RelayUrlInvalid
    wanted = parse_qs(parts.query).get("tls", ["required"])[0]
    if wanted not in {"required", "opportunistic", "none"}:
        raise RelayUrlInvalid("MEMO_RELAY_URL: tls is one of required, opportunistic and none.")
    try:
        port = parts.port or (465 if parts.scheme == "smtps" else 587)
    except ValueError as error:
        raise RelayUrlInvalid("MEMO_RELAY_URL: the port is a number up to 65535.") from error
    modes: dict[str, Tls] = {"required": "required", "opportunistic": "opportunistic", "none": "none"}
    tls: Tls = "implicit" if parts.scheme == "smtps" else modes[wanted]
    if tls == "none" and parts.password:
        raise RelayUrlInvalid("MEMO_RELAY_URL: a password is never sent without TLS; use tls=required.")
    return RelayAddress(
        host=parts.hostname,
        port=port,
        tls=tls,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        ca_file=ca_file,
        ehlo_name=ehlo_name,
    )


class Transport:
    """A connection that is opened when needed and renewed when it is old, idle or gone."""

    def __init__(self, address: RelayAddress, timeouts: Timeouts) -> None:
        self._address = address
        self._timeouts = timeouts
        self._client: aiosmtplib.SMTP | None = None
        self._handed_over = 0
        self._used_at = 0.0

    async def ready(self) -> None:
        """Be connected; raises RelayDown with what the operator needs to know."""
        if self._client is not None and self._is_fresh(self._client):
            return
        await self.close()
        await self._connect()

    async def hand_over(self, envelope: Envelope) -> Reply:
        """One message to one reader. A connection that closed silently since its last message is renewed once."""
        seasoned = self._handed_over > 0
        reply = await self._attempt(envelope)
        if seasoned and reply.phase is Phase.MAIL and reply.code in {0, 421}:
            try:
                await self._connect()
            except RelayDown as error:
                return Reply(Phase.CONNECT, 0, error.message)
            reply = await self._attempt(envelope)
        return reply

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        try:
            if client.is_connected:
                await client.quit(timeout=QUIT_SECONDS)
        except (SMTPException, OSError):
            pass
        finally:
            client.close()

    def _is_fresh(self, client: aiosmtplib.SMTP) -> bool:
        idle = asyncio.get_running_loop().time() - self._used_at
        return client.is_connected and idle < IDLE_SECONDS and self._handed_over < MESSAGES_PER_CONNECTION

    async def _connect(self) -> None:
        address = self._address
        client = aiosmtplib.SMTP(
            hostname=address.host,
            port=address.port,
            username=address.user,
            password=address.password,
            local_hostname=address.ehlo_name,
            timeout=self._timeouts.connect,
            use_tls=address.tls == "implicit",
            start_tls={"required": True, "opportunistic": None}.get(address.tls, False),
            cert_bundle=str(address.ca_file) if address.ca_file else None,
        )
        try:
            await client.connect()
            if not client.last_ehlo_response:
                await client.ehlo()
        except (SMTPException, OSError, ValueError) as error:
            client.close()
            raise RelayDown(_connect_problem(address, error)) from error
        self._client = client
        self._handed_over = 0
        self._used_at = asyncio.get_running_loop().time()

    async def _attempt(self, envelope: Envelope) -> Reply:
        client = self._client
        if client is None or not client.is_connected:
            return Reply(Phase.MAIL, 0, "The connection was closed before MAIL.")
        needs_utf8 = not (envelope.rcpt_to + envelope.mail_from).isascii()
        if needs_utf8 and not client.supports_extension("smtputf8"):
            return Reply(Phase.RCPT, 553, "5.6.7 This address needs SMTPUTF8 and the relay does not offer it")
        if (limit := _size_limit(client)) and len(envelope.message) > limit:
            return Reply(
                Phase.MAIL, 552, f"5.3.4 The message is larger than the relay takes ({limit} octets)"
            )
        reply = await self._converse(client, envelope, needs_utf8=needs_utf8)
        self._used_at = asyncio.get_running_loop().time()
        if reply.code in {0, 421}:
            client.close()
            self._client = None
        elif 200 <= reply.code < 300:
            self._handed_over += 1
        return reply

    async def _converse(self, client: aiosmtplib.SMTP, envelope: Envelope, *, needs_utf8: bool) -> Reply:
        encoding = "utf-8" if needs_utf8 else "ascii"
        options = ["SMTPUTF8"] if needs_utf8 else []
        if client.supports_extension("size"):
            options.append(f"SIZE={len(envelope.message)}")
        wait = self._timeouts.reply
        mail = client.mail(envelope.mail_from, options=options, encoding=encoding, timeout=wait)
        reply = await _said(Phase.MAIL, mail)
        if reply.code == 250:
            reply = await _said(Phase.RCPT, client.rcpt(envelope.rcpt_to, encoding=encoding, timeout=wait))
        if reply.phase is Phase.RCPT and reply.code in {250, 251}:
            reply = await _said(Phase.DATA, client.execute_command(b"DATA", timeout=wait))
            if reply.code == 354:
                return await self._body(client, envelope.message)
        if reply.code not in {0, 421}:
            await _said(Phase.MAIL, client.rset(timeout=wait))  # the next envelope begins clean
        return reply

    async def _body(self, client: aiosmtplib.SMTP, message: bytes) -> Reply:
        """The body, then the dot on its own: a connection that broke before the dot has handed over nothing."""
        protocol = client.protocol
        if protocol is None:
            return Reply(Phase.BODY, 0, "The connection was lost before the message was sent.")
        try:
            protocol.write(_DOT_AT_START.sub(b"..", message))
            async with asyncio.timeout(self._timeouts.dot):
                await protocol._drain_helper()
            protocol.write(b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n")
        except (SMTPException, OSError) as error:
            return Reply(Phase.BODY, 0, f"The connection was lost while the message was being sent: {error}")
        return await _said(Phase.DOT, protocol.read_response(timeout=self._timeouts.dot))


async def _said(phase: Phase, command: Awaitable[SMTPResponse]) -> Reply:
    try:
        response = await command
    except SMTPResponseException as error:
        return Reply(phase, error.code, error.message)
    except SMTPServerDisconnected:
        return Reply(phase, 0, "The relay closed the connection without an answer.")
    except (SMTPException, OSError) as error:
        return Reply(phase, 0, f"No answer from the relay: {error}")
    return Reply(phase, response.code, response.message)


def _size_limit(client: aiosmtplib.SMTP) -> int:
    """The largest message in octets that the relay takes; 0 if it does not say (RFC 1870 §4)."""
    given = client.esmtp_extensions.get("size", "")
    return int(given) if given.isdigit() else 0


def _connect_problem(address: RelayAddress, error: Exception) -> str:
    where = f"The relay {address.name}"
    if isinstance(error, ssl.SSLCertVerificationError) or isinstance(
        error.__cause__, ssl.SSLCertVerificationError
    ):
        return f"{where} shows a certificate we cannot trust ({error}). An own authority goes into MEMO_RELAY_CA_FILE."
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"{where} refuses our user name or password ({error}). Check MEMO_RELAY_URL."
    if "starttls" in str(error).lower():
        return f"{where} does not offer STARTTLS ({error}). MEMO_RELAY_URL says tls=required; smtps:// is implicit TLS."
    if isinstance(error, TimeoutError | aiosmtplib.SMTPTimeoutError):
        return f"{where} does not answer in time ({error}). Check host and port in MEMO_RELAY_URL, and the firewall."
    return f"{where} cannot be used: {error}. Check MEMO_RELAY_URL."
