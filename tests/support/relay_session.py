"""One connection to the scripted relay: SMTP as RFC 5321 has it, with a question to the rules at every phase."""

import asyncio
import base64
import binascii
import re
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from tests.support.relay_log import Received
from tests.support.relay_rules import Cut, Keep, Kill, Moment, Phase, Reply, Rule, Stall
from tests.support.wire import Gone, LineTooLong, Wire

# RFC 5321 section 4.5.3.1.4 has 512, with room for what extensions add.
LINE_LIMIT = 4096
PATH = re.compile(r"^(?:FROM|TO):\s*<([^<>]*)>(.*)$", re.IGNORECASE)
# RFC 2920 section 3.1: these may not be followed by another command before their reply.
MUST_END_A_GROUP = {"EHLO", "HELO", "DATA", "STARTTLS", "QUIT", "AUTH"}


@dataclass(frozen=True)
class Offer:
    """What the relay announces; a login given here is required before MAIL."""

    size: int | None = 35_882_577
    pipelining: bool = True
    goes_ahead_for_nobody: bool = False  # 354 although every recipient was refused: RFC 2920 §3.1 foresees it
    eightbitmime: bool = True
    smtputf8: bool = False
    starttls: ssl.SSLContext | None = None
    login: tuple[str, str] | None = None
    auth_in_clear: bool = True
    extra: tuple[str, ...] = ("ENHANCEDSTATUSCODES",)


class Office(Protocol):
    """What a session needs of the relay it belongs to."""

    offer: Offer
    host_name: str
    delay: float
    for_nobody: list[bytes]

    def rule_for(self, phase: Phase, session: "Session", *, data: bytes = b"") -> Rule | None: ...
    def record(self, session: "Session", data: bytes, *, accepted: bool) -> Received: ...
    def keep(self, received: Received) -> None: ...
    def violated(self, session: "Session", what: str) -> None: ...


class HangUp(Exception):
    """This session is over."""


class Session:
    def __init__(self, office: Office, wire: Wire, number: int, *, is_encrypted: bool) -> None:
        self._office = office
        self._wire = wire
        self.number = number
        self.is_encrypted = is_encrypted
        self.ehlo_name = ""
        self.signed_in_as = ""
        self.message = 0
        self._forget()

    def _forget(self) -> None:
        self.mail_from: str | None = None
        self.recipients: list[str] = []
        self.offered_recipient = ""
        self.options: tuple[str, ...] = ()

    async def run(self, *, is_full: bool = False) -> None:
        with suppress(HangUp, Gone, ConnectionError, ssl.SSLError):
            if is_full:
                await self._say("421 4.7.0 Too many connections")
                raise HangUp
            if not await self._scripted(Phase.CONNECT):
                await self._say(f"220 {self._office.host_name} ESMTP")
            while True:
                await self._command()

    async def _command(self) -> None:
        try:
            text = (await self._wire.line(LINE_LIMIT)).decode("utf-8", "surrogateescape")
        except LineTooLong:
            await self._say("500 5.5.2 Line too long")
            raise HangUp from None
        verb, _, rest = text.strip().partition(" ")
        verb = verb.upper()
        self._watch_the_group(verb)
        step = self._steps().get(verb)
        if step is None:
            await self._say("500 5.5.1 Command not known")
            return
        await step(rest.strip())

    def _steps(self) -> dict[str, Callable[[str], Awaitable[None]]]:
        return {
            "EHLO": self._ehlo, "HELO": self._helo, "STARTTLS": self._starttls, "AUTH": self._auth,
            "MAIL": self._mail, "RCPT": self._rcpt, "DATA": self._data, "RSET": self._rset,
            "NOOP": self._noop, "QUIT": self._quit,
        }  # fmt: skip

    def _watch_the_group(self, verb: str) -> None:
        if not self._wire.waiting:
            return
        if not self._office.offer.pipelining:
            self._office.violated(self, f"something followed {verb} although PIPELINING was not offered")
        elif verb in MUST_END_A_GROUP:
            self._office.violated(self, f"something followed {verb} before its reply (RFC 2920 section 3.1)")

    async def _helo(self, name: str) -> None:
        await self._greet(name, [])

    async def _ehlo(self, name: str) -> None:
        await self._greet(name, self._extensions())

    async def _greet(self, name: str, extensions: list[str]) -> None:
        self._forget()
        if await self._scripted(Phase.EHLO):
            return
        self.ehlo_name = name
        lines = [self._office.host_name, *extensions]
        await self._say("\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    def _extensions(self) -> list[str]:
        offer = self._office.offer
        login_is_safe = self.is_encrypted or offer.auth_in_clear
        named = {
            f"SIZE {offer.size}": offer.size is not None,
            "PIPELINING": offer.pipelining,
            "8BITMIME": offer.eightbitmime,
            "SMTPUTF8": offer.smtputf8,
            "STARTTLS": offer.starttls is not None and not self.is_encrypted,
            "AUTH PLAIN LOGIN": offer.login is not None and login_is_safe,
        }
        return [name for name, is_offered in named.items() if is_offered] + list(offer.extra)

    async def _starttls(self, _: str) -> None:
        context = self._office.offer.starttls
        if context is None or self.is_encrypted:
            await self._say("502 5.5.1 STARTTLS is not offered")
        elif not await self._scripted(Phase.STARTTLS):
            await self._say("220 2.0.0 Go ahead")
            await self._wire.upgrade(context)
            self.is_encrypted = True
            self.ehlo_name = ""
            self._forget()

    async def _auth(self, rest: str) -> None:
        if self._office.offer.login is None:
            await self._say("502 5.5.1 AUTH is not offered")
            return
        if await self._scripted(Phase.AUTH):
            return
        mechanism, _, initial = rest.partition(" ")
        try:
            login = await self._login(mechanism.upper(), initial)
        except (binascii.Error, ValueError):
            await self._say("501 5.5.2 Cannot decode that")
            return
        if login != self._office.offer.login:
            await self._say("535 5.7.8 Name or password is wrong")
            return
        self.signed_in_as = login[0]
        await self._say("235 2.7.0 Welcome")

    async def _login(self, mechanism: str, initial: str) -> tuple[str, str]:
        if mechanism == "PLAIN":
            _, name, password = (_decoded(initial) if initial else await self._ask("")).split("\0")
            return name, password
        if mechanism == "LOGIN":
            name = _decoded(initial) if initial else await self._ask("Username:")
            return name, await self._ask("Password:")
        raise ValueError(mechanism)

    async def _ask(self, what: str) -> str:
        await self._say(f"334 {base64.b64encode(what.encode()).decode()}")
        return _decoded((await self._wire.line(LINE_LIMIT)).decode("ascii", "replace"))

    async def _mail(self, rest: str) -> None:
        found = PATH.match(rest)
        if found is None or self.mail_from is not None:
            await self._say(
                "501 5.5.4 MAIL FROM:<address>, once" if found is None else "503 5.5.1 Nested MAIL"
            )
            return
        if self._office.offer.login is not None and not self.signed_in_as:
            await self._say("530 5.7.0 Sign in first")
            return
        self.message += 1
        self.mail_from, self.options = found[1], tuple(found[2].split())
        if self._is_too_large():
            self._forget()
            await self._say("552 5.3.4 Message too large")
        elif await self._scripted(Phase.MAIL):
            self._forget()
        else:
            await self._say("250 2.1.0 Sender ok")

    def _is_too_large(self) -> bool:
        limit = self._office.offer.size
        sizes = [option[5:] for option in self.options if option.upper().startswith("SIZE=")]
        return limit is not None and any(size.isdigit() and int(size) > limit for size in sizes)

    async def _rcpt(self, rest: str) -> None:
        found = PATH.match(rest)
        if self.mail_from is None:
            await self._say("503 5.5.1 MAIL first")
        elif found is None or not found[1]:
            await self._say("501 5.5.4 RCPT TO:<address>")
        elif not found[1].isascii() and not self._office.offer.smtputf8:
            await self._say("553 5.6.7 SMTPUTF8 is not offered")
        else:
            self.offered_recipient = found[1]
            if not await self._scripted(Phase.RCPT):
                self.recipients.append(found[1])
                await self._say("250 2.1.5 Recipient ok")

    async def _data(self, _: str) -> None:
        if not self.recipients and self.mail_from is not None and self._office.offer.goes_ahead_for_nobody:
            await self._say("354 End with a dot")
            self._office.for_nobody.append(await self._wire.through_dot())
            self._forget()
            await self._say("554 5.5.1 No valid recipients")
            return
        if not self.recipients:
            await self._say(
                "503 5.5.1 No recipients" if self.mail_from is None else "554 5.5.1 No valid recipients"
            )
            return
        if await self._scripted(Phase.DATA):
            return
        await self._say("354 End with a dot")
        await self._wire.something()
        await self._scripted(Phase.BODY)
        stuffed = await self._wire.through_dot()
        data = (b"\r\n" + stuffed).replace(b"\r\n.", b"\r\n")[2:]
        await self._after_the_dot(data)
        self._forget()

    async def _after_the_dot(self, data: bytes) -> None:
        if self._office.delay:
            await asyncio.sleep(self._office.delay)
        limit = self._office.offer.size
        if limit is not None and len(data) > limit:
            self._office.record(self, data, accepted=False)
            await self._say("552 5.3.4 Message too large")
            return
        rule = self._office.rule_for(Phase.DOT, self, data=data)
        keeps = rule is None or any(isinstance(step, Keep) for step in rule.steps)
        keeps = keeps or (rule is not None and not any(isinstance(step, Reply | Cut) for step in rule.steps))
        if rule is not None:
            await self._stall_first(rule)
        received = self._office.record(self, data, accepted=keeps)
        if keeps:
            self._office.keep(received)
        if rule is None or not await self._follow(rule, without_stalls=True):
            await self._say("250 2.0.0 Taken")
            await self._scripted(Phase.REPLIED)

    async def _rset(self, _: str) -> None:
        self._forget()
        await self._say("250 2.0.0 Forgotten")

    async def _noop(self, _: str) -> None:
        await self._say("250 2.0.0 Here")

    async def _quit(self, _: str) -> None:
        if not await self._scripted(Phase.QUIT):
            await self._say("221 2.0.0 Bye")
        raise HangUp

    async def _scripted(self, phase: Phase) -> bool:
        """Let a rule act; True if it has answered in our place."""
        rule = self._office.rule_for(phase, self)
        return rule is not None and await self._follow(rule)

    async def _stall_first(self, rule: Rule) -> None:
        for step in rule.steps:
            if isinstance(step, Stall):
                await self._stall(rule, step)

    async def _follow(self, rule: Rule, *, without_stalls: bool = False) -> bool:
        has_answered = False
        for step in rule.steps:
            if isinstance(step, Stall) and not without_stalls:
                await self._stall(rule, step)
            elif isinstance(step, Reply):
                await self._say(step.text)
                has_answered = True
            elif isinstance(step, Kill):
                step.strike()
            elif isinstance(step, Cut):
                if step == Cut.RESET:
                    self._wire.reset()
                raise HangUp
        return has_answered

    async def _stall(self, rule: Rule, stall: Stall) -> None:
        async with asyncio.TaskGroup() as group:
            left = group.create_task(self._wire.peer_left())
            waiting = group.create_task(rule.wait(stall))
            await asyncio.wait({left, waiting}, return_when=asyncio.FIRST_COMPLETED)
            left.cancel()
            waiting.cancel()

    async def _say(self, text: str) -> None:
        await self._wire.write(text.replace("\n", "\r\n").encode("utf-8") + b"\r\n")

    def moments(self, phase: Phase, attempts: dict[str, int], data: bytes) -> list[Moment]:
        return [
            Moment(phase, self.number, self.message, attempt, self.mail_from or "", recipient, data)
            for recipient, attempt in attempts.items()
        ]


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True).decode("utf-8")
