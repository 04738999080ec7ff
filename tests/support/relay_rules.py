"""The rules a scripted relay follows, in a small language.

    relay.when(recipient="reader7@example.org", phase="rcpt").reply("550 5.1.1 no such mailbox")
    relay.when(phase="dot", attempt=1).keep().drop()          # taken, and the answer lost
    relay.when(phase="mail", matching=lambda moment: moment.message > 20).drop()
    relay.when(phase="dot").times(3).stall(2.0).reply("451 4.3.0 try later")
    relay.when(phase="body").after(12).kill(sender_pid).reset()      # half a message, and nobody is left to end it

The first rule that matches a moment and has turns left decides; its steps run in order. A rule that only stalls
goes on to accept.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Phase(StrEnum):
    CONNECT = "connect"
    EHLO = "ehlo"  # and HELO
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"  # some of the message is here, its dot is not
    DOT = "dot"  # the dot is here, no reply has been sent
    REPLIED = "replied"  # the 250 is on the wire
    QUIT = "quit"


@dataclass(frozen=True)
class Moment:
    """What the relay knows when it asks the rules. `attempt` counts, from 1, how often it came to this
    phase for this recipient (where no recipient is known yet: how often at all)."""

    phase: Phase
    connection: int
    message: int
    attempt: int
    mail_from: str = ""
    recipient: str = ""
    data: bytes = b""


@dataclass(frozen=True)
class Reply:
    text: str


@dataclass(frozen=True)
class Stall:
    seconds: float | None


class Cut(StrEnum):
    CLOSE = "close"
    RESET = "reset"


class Keep:
    """Take the message although the reply is lost or says otherwise."""


@dataclass(frozen=True)
class Kill:
    """End the sender where it stands."""

    pid: int

    def strike(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


Step = Reply | Stall | Cut | Keep | Kill


@dataclass(eq=False)
class Rule:
    phase: Phase
    recipient: str | None = None
    mail_from: str | None = None
    attempt: int | None = None
    matching: Callable[[Moment], bool] | None = None
    steps: list[Step] = field(default_factory=list)
    turns: int | None = None
    used: int = 0
    passing: int = 0
    _met: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def reply(self, text: str) -> "Rule":
        """Answer with this; several lines may be given, each with its code ("550-…\\n550 …")."""
        if not text[:3].isdigit():
            raise ValueError(f"A reply begins with three digits, not {text!r}.")
        return self._then(Reply(text))

    def stall(self, seconds: float | None = None) -> "Rule":
        """Stay silent that long; without a number until release(), or until the peer leaves."""
        return self._then(Stall(seconds))

    def drop(self) -> "Rule":
        """Close the connection, after what is already written."""
        return self._then(Cut.CLOSE)

    def reset(self) -> "Rule":
        """Cut the connection, so that the peer sees a reset."""
        return self._then(Cut.RESET)

    def keep(self) -> "Rule":
        """Take the message all the same (phase "dot" only)."""
        if self.phase != Phase.DOT:
            raise ValueError('Only after the dot is there a message to keep: use phase="dot".')
        return self._then(Keep())

    def kill(self, pid: int) -> "Rule":
        """SIGKILL the sender: what it had written is still on its way, what it had not is gone."""
        return self._then(Kill(pid))

    def times(self, turns: int) -> "Rule":
        self.turns = turns
        return self

    def after(self, passing: int) -> "Rule":
        """Let so many moments pass that it would have matched."""
        self.passing = passing
        return self

    def release(self) -> None:
        """End every stall of this rule, now and later."""
        self._released.set()

    async def met(self, *, within: float = 5.0) -> None:
        """Return once this rule has been applied for the first time."""
        async with asyncio.timeout(within):
            await self._met.wait()

    def matches(self, moment: Moment) -> bool:
        if moment.phase != self.phase or (self.turns is not None and self.used >= self.turns):
            return False
        if self.recipient is not None and self.recipient.lower() != moment.recipient.lower():
            return False
        if self.mail_from is not None and self.mail_from.lower() != moment.mail_from.lower():
            return False
        if self.attempt is not None and self.attempt != moment.attempt:
            return False
        return self.matching is None or self.matching(moment)

    def lets_pass(self) -> bool:
        if self.passing:
            self.passing -= 1
            return True
        return False

    def take_turn(self) -> None:
        self.used += 1
        self._met.set()

    async def wait(self, stall: Stall) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(stall.seconds):
                await self._released.wait()

    def _then(self, step: Step) -> "Rule":
        self.steps.append(step)
        return self


class RuleBook:
    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def add(self, rule: Rule) -> Rule:
        self._rules.append(rule)
        return rule

    def clear(self) -> None:
        for rule in self._rules:
            rule.release()
        self._rules = []

    def find(self, moments: Iterable[Moment]) -> Rule | None:
        """The rule for the first of these moments that any rule speaks of; it has spent a turn."""
        for moment in moments:
            for rule in self._rules:
                if rule.matches(moment) and not rule.lets_pass():
                    rule.take_turn()
                    return rule
        return None
