"""One connection to the relay: aiosmtplib connects, greets, upgrades and signs in; then a channel of our own takes over.

    connect -> EHLO, STARTTLS, AUTH -> [MAIL RCPT DATA -> message]* -> QUIT

Nothing here raises for what a relay says or fails to say about an envelope: that is an outcome. Only failing to connect raises.
"""

import asyncio
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from aiosmtplib.errors import SMTPException

from service.delivery import pipelining, trust
from service.delivery.exchange import Envelope, Exchange, settled
from service.delivery.limits import Limits, Timeouts
from service.delivery.outcome import Phase, Reply
from service.delivery.pipelining import Channel
from service.errors import Invalid, Unavailable

QUIT_SECONDS = 5
SILENT_SECONDS = 15.0  # without an answer to a new connection

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
    password: str | None = field(repr=False)
    ca_file: Path | None
    ehlo_name: str
    label: str = ""  # the name of its row, if it has one

    @property
    def name(self) -> str:
        """What its clock goes by."""
        return self.label or f"{self.host}:{self.port}"


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


@dataclass(frozen=True)
class _Offers:
    """What the relay said it can do."""

    pipelining: bool
    smtputf8: bool
    size_octets: int  # the largest message it takes; 0 if it does not say (RFC 1870 §4)


class Transport:
    """A connection that is opened when needed and renewed when it is old, idle or gone."""

    def __init__(self, address: RelayAddress, timeouts: Timeouts, limits: Limits) -> None:
        self._address = address
        self._timeouts = timeouts
        self._limits = limits
        self._channel: Channel | None = None
        self._offers = _Offers(pipelining=False, smtputf8=False, size_octets=0)
        self._announced = 0
        self._announced_most = limits.messages
        self._opened_at = 0.0
        self._used_at = 0.0

    @property
    def has_room_behind(self) -> bool:
        """Whether another envelope may be announced behind the message that is handed over next."""
        return self._offers.pipelining and self._has_room(self._used_at)

    @property
    def is_ready(self) -> bool:
        return self._channel is not None and self._is_fresh(self._channel)

    async def ready(self) -> None:
        """Be connected; raises RelayDown with what the operator needs to know."""
        if self.is_ready:
            return
        await self.close()
        await self._connect()

    def announce(self, envelope: Envelope) -> Exchange:
        """Name an envelope to the relay. Call `ready` first."""
        if self._channel is None or not self._channel.is_open:
            return settled(envelope, Reply(Phase.MAIL, 0, pipelining.CLOSED))
        if (problem := self._local_refusal(envelope)) is not None:
            return settled(envelope, problem)
        self._announced += 1
        return self._channel.announce(envelope, self._options(envelope))

    def hand_over(self, exchange: Exchange, then: Envelope | None = None) -> Exchange | None:
        """Send the message of an exchange that is opened and not over, and announce the next envelope behind it."""
        channel = self._channel
        if channel is None or exchange.is_over:
            return None
        self._used_at = asyncio.get_running_loop().time()
        if then is None:
            return channel.hand_over(exchange)
        if (problem := self._local_refusal(then)) is not None:
            channel.hand_over(exchange)
            return settled(then, problem)
        self._announced += 1
        return channel.hand_over(exchange, (then, self._options(then)))

    async def reopened(self, exchange: Exchange) -> Exchange:
        """Wait until the message may follow. A connection that closed silently since its last message is renewed once.

        Some relays take so many messages and hang up without a word (deliverability.md §0.8); from then on this one is asked
        for no more than that.
        """
        before = self._announced
        await exchange.opened
        if not (exchange.is_over and before > 1):
            return exchange
        reply = exchange.settled.result()
        if reply.phase is not Phase.MAIL or reply.code not in {0, 421}:
            return exchange
        self._announced_most = max(1, before - 1)
        try:
            async with asyncio.timeout(SILENT_SECONDS):  # there is a message to it that others can carry
                await self.ready()
        except (RelayDown, TimeoutError) as error:
            said = str(error) or f"no answer to a new connection for {SILENT_SECONDS:.0f} seconds"
            return settled(exchange.envelope, Reply(Phase.CONNECT, 0, said))
        again = self.announce(exchange.envelope)
        await again.opened
        return again

    async def carry(self, envelope: Envelope) -> Reply:
        """One message and nothing behind it, from its announcement to the relay's answer."""
        exchange = await self.reopened(self.announce(envelope))
        self.hand_over(exchange)
        return await exchange.settled

    def drop(self, reason: str) -> None:
        """Close at once, for instance because a message that the relay waits for must not be sent."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.drop(reason)

    async def close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.quit(QUIT_SECONDS)

    def _is_fresh(self, channel: Channel) -> bool:
        now = asyncio.get_running_loop().time()
        return channel.is_open and now - self._used_at < self._limits.idle_seconds and self._has_room(now)

    def _has_room(self, now: float) -> bool:
        """For one more message. Its age is what matters too: some relays close a connection in the middle of its work."""
        return now - self._opened_at < self._limits.age_seconds and self._announced < self._announced_most

    async def _connect(self) -> None:
        address = self._address
        client = aiosmtplib.SMTP(
            hostname=address.host,
            username=address.user,
            password=address.password,
            local_hostname=address.ehlo_name,
            timeout=self._timeouts.greeting,
            use_tls=address.tls == "implicit",
            start_tls={"required": True, "opportunistic": None}.get(address.tls, False),
        )
        try:
            context = None if address.tls == "none" else await trust.context(address.ca_file)
            async with asyncio.timeout(self._timeouts.connect):
                connection = await _reached(address)
            await client.connect(sock=connection, tls_context=context)
            if not client.last_ehlo_response:
                await client.ehlo()
            self._channel = self._taken_over(client)
        except BaseException as error:
            client.close()  # the library does so by itself only within its own `connect`
            if isinstance(error, (SMTPException, OSError, ValueError)):
                raise RelayDown(_connect_problem(address, error)) from error
            raise
        self._announced = 0
        self._opened_at = self._used_at = asyncio.get_running_loop().time()

    def _taken_over(self, client: aiosmtplib.SMTP) -> Channel:
        # Neither uvloop's transports nor those of TLS are asyncio.Transport by name; they all are by what they do.
        transport, protocol = cast(asyncio.Transport | None, client.transport), client.protocol
        if transport is None or protocol is None or transport.is_closing():
            raise ConnectionError("the connection was closed during the greeting")
        if protocol._buffer:
            raise ConnectionError("it spoke before it was asked")
        self._offers = _Offers(
            pipelining=client.supports_extension("pipelining"),
            smtputf8=client.supports_extension("smtputf8"),
            size_octets=_size_limit(client),
        )
        channel = Channel(transport, self._timeouts, pipelines=self._offers.pipelining)
        transport.set_protocol(channel)
        # The two hold each other and the connection; with TLS that is its buffers, kept until cycles are looked for.
        client.transport = client.protocol = protocol.transport = None
        return channel

    def _local_refusal(self, envelope: Envelope) -> Reply | None:
        """What need not be asked: RFC 6531 §3.2, RFC 1870 §6."""
        if envelope.needs_smtputf8 and not self._offers.smtputf8:
            return Reply(Phase.RCPT, 553, "5.6.7 This address needs SMTPUTF8 and the relay does not offer it")
        limit = self._offers.size_octets
        if limit and len(envelope.message) > limit:
            return Reply(
                Phase.MAIL, 552, f"5.3.4 The message is larger than the relay takes ({limit} octets)"
            )
        return None

    def _options(self, envelope: Envelope) -> str:
        size = f" SIZE={len(envelope.message)}" if self._offers.size_octets else ""
        return f"{size} SMTPUTF8" if envelope.needs_smtputf8 else size


async def _reached(address: RelayAddress) -> socket.socket:
    """Connected to the first of the relay's addresses that lets us; raises OSError. Apart from the greeting: a machine that is
    not there is known in seconds, and one that greets late may take minutes (RFC 5321 §4.5.3.2.1).
    """
    loop = asyncio.get_running_loop()
    problem: OSError | None = None
    for family, kind, protocol, _, place in await loop.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM
    ):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.setblocking(False)
            await loop.sock_connect(connection, place)
        except BaseException as error:
            connection.close()
            if not isinstance(error, OSError):
                raise
            problem = error
        else:
            return connection
    raise problem or OSError("it has no address")


def _size_limit(client: aiosmtplib.SMTP) -> int:
    given = client.esmtp_extensions.get("size", "")
    return int(given) if given.isdigit() else 0


def _connect_problem(address: RelayAddress, error: Exception) -> str:
    where, look = f"The relay {address.name}", "on the page Relays" if address.label else "in MEMO_RELAY_URL"
    if isinstance(error, ssl.SSLCertVerificationError) or isinstance(
        error.__cause__, ssl.SSLCertVerificationError
    ):
        return f"{where} shows a certificate we cannot trust ({error}). An own authority goes into MEMO_RELAY_CA_FILE."
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"{where} refuses our user name or password ({error}). Check them {look}."
    if "starttls" in str(error).lower():
        return f"{where} does not offer STARTTLS ({error}). Choose another encryption or port {look}."
    if isinstance(error, TimeoutError | aiosmtplib.SMTPTimeoutError):
        return f"{where} does not answer in time ({error or 'no connection'}). Check host and port {look}, and the firewall."
    if isinstance(error, ConnectionRefusedError):
        nobody = f"nothing listens at port {address.port} of {address.host}"
        return f"{where} is not there: {nobody}. Check host and port {look}, and the firewall."
    if isinstance(error, socket.gaierror):
        return f"{where} cannot be found: there is no host {address.host}. Check its spelling {look}."
    return f"{where} cannot be used: {error}. Check it {look}."
