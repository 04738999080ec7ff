"""One conversation with a relay, a step at a time: each step says what happened, or raises Failed with what to do."""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiosmtplib
from aiosmtplib.errors import SMTPException, SMTPResponseException

from service.clock import Clock
from service.delivery import outcome, profiles, relay_advice
from service.delivery.exchange import Envelope
from service.delivery.limits import Timeouts
from service.delivery.outcome import Phase, Reply
from service.delivery.profiles import Profile
from service.delivery.transport import RelayAddress

if TYPE_CHECKING:
    from service.delivery.relay_certificate import Certificate

PLACES_MOST = 3  # a host may have many addresses; each that does not answer costs the whole time-out


class Failed(Exception):
    def __init__(self, said: str, advice: str) -> None:
        super().__init__(said)
        self.said, self.advice = said, advice


@dataclass(frozen=True)
class Warned:
    said: str
    advice: str


Said = str | Warned
Attempt = Callable[[], Awaitable[Said]]


@dataclass
class Conversation:
    address: RelayAddress
    profile: Profile
    clock: Clock
    envelope: Envelope | None
    timeouts: Timeouts
    queue_id: str | None = None
    _places: list[Any] = field(default_factory=list)
    _socket: socket.socket | None = None
    _client: aiosmtplib.SMTP | None = None
    _greeting_text: str = ""

    def tries(self) -> list[tuple[str, Attempt]]:
        """The steps in their order."""
        tries: list[tuple[str, Attempt]] = [("host", self._host), ("connection", self._connection)]
        talk: list[tuple[str, Attempt]] = [("greeting", self._greeting), ("ehlo", self._ehlo)]
        tries += [("tls", self._tls), *talk] if self._is_implicit else [*talk, ("tls", self._tls)]
        tries.append(("sign_in", self._sign_in))
        if self.envelope is not None:
            tries += [("sender", self._sender), ("recipient", self._recipient), ("message", self._message)]
        return tries

    async def end(self) -> None:
        if self._client is not None:
            with suppress(SMTPException, OSError):
                await self._client.quit(timeout=2)
            self._client.close()
        elif self._socket is not None:
            self._socket.close()

    async def refusal(self) -> str | None:
        """After the steps: whether it would take a message from us, asked with the empty sender (RFC 5321 section 4.5.5).

        A relay that only does not like that sender is at work; what counts is whether it takes mail at all.
        """
        try:
            await self._open.mail("", timeout=self.timeouts.mail)
        except SMTPResponseException as error:
            reply = Reply(Phase.MAIL, error.code, error.message)
            return str(reply) if outcome.is_out_of_reach(outcome.of(reply)) else None
        except (SMTPException, OSError) as error:
            return _words(error)
        return None

    @property
    def _is_implicit(self) -> bool:
        return self.address.tls == "implicit"

    async def _host(self) -> str:
        loop, address = asyncio.get_running_loop(), self.address
        try:
            async with asyncio.timeout(self.timeouts.connect):
                found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Failed(f"{address.host}: {_words(error)}", relay_advice.of_no_host()) from error
        self._places = list(found)
        return ", ".join(dict.fromkeys(str(place[4][0]) for place in found))

    async def _connection(self) -> str:
        loop, last = asyncio.get_running_loop(), OSError("nothing to connect to")
        for family, kind, protocol, _, place in self._places[:PLACES_MOST]:
            made = socket.socket(family, kind, protocol)
            made.setblocking(False)
            try:
                async with asyncio.timeout(self.timeouts.connect):
                    await loop.sock_connect(made, place)
            except OSError as error:
                made.close()
                last = error
                continue
            self._socket = made
            return f"{place[0]}, port {place[1]}"
        raise Failed(_words(last), relay_advice.of_connecting(last, self.address.port))

    async def _begin(self) -> None:
        """Take the connection over: with implicit TLS the handshake first, then the greeting."""
        client, self._socket = self._made(self._socket, is_verifying=True), None
        try:
            self._greeting_text = str((await client.connect()).message)
        except SMTPResponseException as error:
            reply = Reply(Phase.CONNECT, error.code, error.message)
            raise Failed(str(reply), relay_advice.of_reply(reply)) from error
        except (SMTPException, OSError) as error:
            if (about_tls := _about_tls(error)) is not None:
                raise await self._tls_failed(about_tls) from error
            raise Failed(
                _words(error), relay_advice.of_greeting(self.address.tls, self.address.port)
            ) from error
        self._client = client

    async def _greeting(self) -> str:
        if self._client is None:
            await self._begin()
        return self._greeting_text

    async def _ehlo(self) -> str:
        client = self._open
        try:
            await client.ehlo(timeout=self.timeouts.greeting)
        except (SMTPException, OSError) as error:
            raise Failed(_words(error), relay_advice.TRY_LATER) from error
        return ", ".join(sorted(name.upper() for name in client.esmtp_extensions)) or "plain SMTP"

    async def _tls(self) -> Said:
        if self._is_implicit:
            await self._begin()
            return self._encryption()
        client, wanted = self._open, self.address.tls
        is_offered = client.supports_extension("starttls")
        if wanted == "none" or (wanted == "opportunistic" and not is_offered):
            return Warned(
                "Not encrypted.", "That is for a relay on this machine or in your own network only."
            )
        if not is_offered:
            raise Failed("It does not offer STARTTLS.", relay_advice.of_no_starttls(self.address.port))
        try:
            await client.starttls(timeout=self.timeouts.connect)
            await client.ehlo(timeout=self.timeouts.greeting)
        except (SMTPException, OSError) as error:
            raise await self._tls_failed(_about_tls(error) or error) from error
        return self._encryption()

    def _encryption(self) -> Said:
        encrypted = self._open.get_transport_info("ssl_object")
        from service.delivery import relay_certificate

        shown = relay_certificate.of(encrypted)
        said = f"{encrypted.version()}; its certificate is {shown}."
        if shown is not None and relay_certificate.runs_out_soon(shown, self.clock.now()):
            return Warned(
                said,
                "It runs out soon: then nothing is sent any more. Whoever runs the relay has to renew it.",
            )
        return said

    async def _tls_failed(self, error: Exception) -> Failed:
        advice = relay_advice.of_tls(error, self.address.tls)
        if not isinstance(error, ssl.SSLCertVerificationError):
            return Failed(_words(error), advice)
        shown = await self._certificate_seen()
        is_for = f" It is {shown}." if shown is not None else ""
        return Failed(f"The certificate cannot be trusted: {error.verify_message}.{is_for}", advice)

    async def _certificate_seen(self) -> "Certificate | None":
        """Another connection, only to look at the certificate that was not trusted; nothing is said in it but EHLO."""
        client = self._made(None, is_verifying=False)
        try:
            await client.connect()
            if not self._is_implicit:
                await client.starttls(timeout=self.timeouts.connect)
            from service.delivery import relay_certificate

            return relay_certificate.of(client.get_transport_info("ssl_object"))
        except (SMTPException, OSError):
            return None
        finally:
            client.close()

    async def _sign_in(self) -> str:
        client, address = self._open, self.address
        if not address.user:
            return "No user is given, so we do not sign in."
        is_encrypted = client.get_transport_info("ssl_object") is not None
        if not (is_encrypted and client.supports_extension("auth")):
            said = (
                "It does not offer to sign in." if is_encrypted else "Nothing was said: it is not encrypted."
            )
            raise Failed(said, relay_advice.of_no_sign_in(is_encrypted))
        try:
            reply = await client.login(address.user, address.password or "", timeout=self.timeouts.greeting)
        except SMTPResponseException as error:
            advice = relay_advice.of_sign_in(error.code, error.message, self.profile)
            raise Failed(f"{error.code} {error.message}", advice) from error
        except (SMTPException, OSError, ValueError) as error:
            raise Failed(_words(error), relay_advice.TRY_LATER) from error
        return f"{reply.code} {reply.message}"

    async def _sender(self) -> str:
        address = self._letter.mail_from
        return await _answered(Phase.MAIL, self._open.mail(address, timeout=self.timeouts.mail))

    async def _recipient(self) -> str:
        address = self._letter.rcpt_to
        return await _answered(Phase.RCPT, self._open.rcpt(address, timeout=self.timeouts.rcpt))

    async def _message(self) -> str:
        said = await _answered(Phase.DOT, self._open.data(self._letter.message, timeout=self.timeouts.dot))
        self.queue_id = profiles.queue_id(self.profile, said.partition(" ")[2])
        return said

    @property
    def _open(self) -> aiosmtplib.SMTP:
        assert self._client is not None  # the steps before have made it
        return self._client

    @property
    def _letter(self) -> Envelope:
        assert self.envelope is not None  # else these steps are not among the tries
        return self.envelope

    def _made(self, connected: socket.socket | None, *, is_verifying: bool) -> aiosmtplib.SMTP:
        address = self.address
        return aiosmtplib.SMTP(
            hostname=address.host,
            port=address.port if connected is None else None,
            sock=connected,
            local_hostname=address.ehlo_name,
            timeout=self.timeouts.connect,
            use_tls=self._is_implicit,
            start_tls=False,
            validate_certs=is_verifying,
            cert_bundle=str(address.ca_file) if address.ca_file and is_verifying else None,
        )


async def _answered(phase: Phase, asked: Awaitable[aiosmtplib.SMTPResponse]) -> str:
    try:
        reply = await asked
    except SMTPResponseException as error:
        refused = Reply(phase, error.code, error.message)
        raise Failed(str(refused), relay_advice.of_reply(refused)) from error
    except (SMTPException, OSError, UnicodeError) as error:
        raise Failed(_words(error), relay_advice.TRY_LATER) from error
    return f"{reply.code} {reply.message}"


def _about_tls(error: BaseException) -> ssl.SSLError | None:
    """The TLS error behind what the library raises, if there is one."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "No answer in time."
    if isinstance(error, OSError) and not isinstance(error, SMTPException | ssl.SSLError):
        number = error.errno or 0
        words = (
            os.strerror(number) if number > 0 else error.strerror or str(error)
        )  # negative: the name service's
        return f"{words}."
    return " ".join(str(error).split()) or type(error).__name__
