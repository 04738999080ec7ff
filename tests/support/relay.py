"""A real SMTP server on loopback that accepts, defers, refuses, stalls and drops as it is told.

In a test's own loop:   async with Relay() as relay: …; relay.when(phase="rcpt").reply("450 4.2.0 later")
In a process:           python -m tests.support.relay --port-file PORT --log LOG [--delay-ms 5] [--rule JSON]
                        with --until-stdin-closes also told on standard input, see Orders
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import ssl
import sys
import weakref
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TextIO

from tests.support import relay_log
from tests.support.relay_log import Received
from tests.support.relay_rules import Moment, Phase, Rule, RuleBook
from tests.support.relay_session import Offer, Session
from tests.support.wire import Wire

PHASES_OF_ONE_RECIPIENT = {Phase.RCPT}
PHASES_OF_A_MESSAGE = {Phase.DATA, Phase.BODY, Phase.DOT, Phase.REPLIED}


class Relay:
    def __init__(
        self,
        *,
        offer: Offer | None = None,
        tls: ssl.SSLContext | None = None,
        delay: float = 0.0,
        connections: int | None = None,
        log: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.offer = offer or Offer()
        self.host_name = "relay.example.net"
        self.delay = delay
        self.received: list[Received] = []
        self.violations: list[str] = []
        self.for_nobody: list[bytes] = []
        self.connection_count = 0
        self.open_count = 0
        self.peak_count = 0
        self._tls = tls
        self._cap = connections
        self._log_path = log
        self._log: TextIO | None = None
        self.host = host
        self._port = port
        self._keeps_port = False
        self._rules = RuleBook()
        self._attempts: Counter[tuple[Phase, str]] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._wires: set[Wire] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; after stop() again on the same port, as a relay that was down and came back."""
        if self._log_path is not None:
            self._log = self._log_path.open("a", encoding="utf-8")
        if not self._keeps_port:
            self._keep_port()
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Wire(self._serve, self._tasks), self.host, self._port, ssl=self._tls
        )

    def _keep_port(self) -> None:
        """As long as there is this relay its port is nobody else's, also while it is down: a socket that is bound and does not listen
        refuses whoever calls, and is never given to others who ask for any port.
        """
        kept = socket.socket()
        weakref.finalize(self, kept.close)
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind((self.host, self._port))
        self._port = int(kept.getsockname()[1])
        self._keeps_port = True

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        if self._server is None:
            return
        self._server.close()
        self.cut()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None
        if self._log is not None:
            self._log.close()

    def cut(self) -> None:
        """Reset every connection there is; new ones are taken."""
        for wire in list(self._wires):
            wire.reset()

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        """As MEMO_RELAY_URL wants it, without encryption."""
        return f"smtp://{self.host}:{self._port}?tls=none"

    def when(
        self,
        *,
        phase: Phase | str,
        recipient: str | None = None,
        mail_from: str | None = None,
        attempt: int | None = None,
        matching: Callable[[Moment], bool] | None = None,
    ) -> Rule:
        return self._rules.add(Rule(Phase(phase), recipient, mail_from, attempt, matching))

    def forget_rules(self) -> None:
        self._rules.clear()

    def to(self, recipient: str) -> list[Received]:
        return [message for message in self.received if recipient in message.rcpt_to]

    async def until(
        self, count: int, *, recipient: str | None = None, within: float = 10.0
    ) -> list[Received]:
        """Wait until that many messages have been taken (to that recipient)."""
        found: list[Received] = []
        try:
            async with asyncio.timeout(within):
                while len(found := self._taken(recipient)) < count:
                    await asyncio.sleep(0.005)
        except TimeoutError:
            reached = len(self._taken(recipient))
            raise TimeoutError(f"The relay took {reached} of {count} messages in {within} s.") from None
        return found

    def _taken(self, recipient: str | None) -> list[Received]:
        return list(self.received) if recipient is None else self.to(recipient)

    async def _serve(self, wire: Wire) -> None:
        self.connection_count += 1
        self.open_count += 1
        self.peak_count = max(self.peak_count, self.open_count)
        self._wires.add(wire)
        is_full = self._cap is not None and self.open_count > self._cap
        session = Session(self, wire, self.connection_count, is_encrypted=self._tls is not None)
        try:
            await session.run(is_full=is_full)
        finally:
            wire.close()
            self.open_count -= 1
            self._wires.discard(wire)

    def rule_for(self, phase: Phase, session: Session, *, data: bytes = b"") -> Rule | None:
        names = [""]
        if phase in PHASES_OF_ONE_RECIPIENT:
            names = [session.offered_recipient]
        elif phase in PHASES_OF_A_MESSAGE:
            names = list(session.recipients)
        for name in names:
            self._attempts[phase, name] += 1
        attempts = {name: self._attempts[phase, name] for name in names}
        return self._rules.find(session.moments(phase, attempts, data))

    def record(self, session: Session, data: bytes, *, accepted: bool) -> Received:
        received = Received(
            mail_from=session.mail_from or "",
            rcpt_to=tuple(session.recipients),
            data=data,
            at=datetime.now(UTC),
            connection=session.number,
            ehlo_name=session.ehlo_name,
            options=session.options,
            is_encrypted=session.is_encrypted,
            signed_in_as=session.signed_in_as,
        )
        if self._log is not None:
            relay_log.write(self._log, received, accepted=accepted)
        return received

    def keep(self, received: Received) -> None:
        self.received.append(received)

    def violated(self, session: Session, what: str) -> None:
        self.violations.append(f"connection {session.number}: {what}")


def rule_from(relay: Relay, text: str) -> Rule:
    """{"phase": "rcpt", "recipient": …, "attempt": 1, "after": 5, "times": 1, "stall": 2.0, "kill": 4711, "reply": "450 …",
    "drop": true}, its steps in the order of this line, but "keep" before "kill"; "reset" instead of "drop"."""
    wanted: dict[str, Any] = json.loads(text)
    rule = relay.when(phase=wanted["phase"], recipient=wanted.get("recipient"), attempt=wanted.get("attempt"))
    if "times" in wanted:
        rule.times(wanted["times"])
    if "stall" in wanted:
        rule.stall(wanted["stall"])
    rule.after(wanted.get("after", 0))
    if wanted.get("keep"):
        rule.keep()
    if "kill" in wanted:
        rule.kill(wanted["kill"])
    if "reply" in wanted:
        rule.reply(wanted["reply"])
    if wanted.get("drop"):
        rule.drop()
    if wanted.get("reset"):
        rule.reset()
    return rule


class Orders:
    """Lines on standard input: a rule each, or {"delay_ms": 20}; its end is the relay's."""

    def __init__(self, relay: Relay, stopped: asyncio.Event) -> None:
        self._relay = relay
        self._stopped = stopped
        self._partial = b""

    def read(self) -> None:
        arrived = os.read(sys.stdin.fileno(), 65_536)
        if not arrived:
            self._stopped.set()
            asyncio.get_running_loop().remove_reader(sys.stdin)
        *lines, self._partial = (self._partial + arrived).split(b"\n")
        for line in lines:
            wanted = json.loads(line)
            if "delay_ms" in wanted:
                self._relay.delay = wanted["delay_ms"] / 1000
            else:
                rule_from(self._relay, line.decode())


async def _run(arguments: argparse.Namespace) -> None:
    relay = Relay(
        delay=arguments.delay_ms / 1000,
        connections=arguments.connections,
        log=arguments.log,
        host=arguments.host,
        port=arguments.port,
        offer=Offer(pipelining=not arguments.no_pipelining),
    )
    for text in arguments.rule:
        rule_from(relay, text)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with relay:
        # Renamed into place, so that whoever waits for the file never reads half a number.
        partial = arguments.port_file.with_suffix(".partial")
        partial.write_text(f"{relay.port}\n", "utf-8")
        partial.rename(arguments.port_file)
        if arguments.until_stdin_closes:
            loop.add_reader(sys.stdin, Orders(relay, stopped).read)
        await stopped.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.relay")
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--connections", type=int)
    parser.add_argument("--no-pipelining", action="store_true")
    parser.add_argument("--until-stdin-closes", action="store_true")
    parser.add_argument("--rule", action="append", default=[], metavar="JSON")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
