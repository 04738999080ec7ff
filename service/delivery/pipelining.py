"""SMTP after the greeting, in our own hands: every reply is matched to its command by its place in line (RFC 5321 §4.2, RFC 2920).

    announce    MAIL, RCPT and DATA of an envelope: together where the relay offers PIPELINING, else each behind the last one's reply
    hand_over   the message of the envelope that has its 354 and, behind it in the same write, the next envelope's commands

A channel knows how far each envelope came when something breaks: that decides whether the reader may have the message.
"""

import asyncio
import re
from collections import deque

from service.delivery import unread
from service.delivery.exchange import Envelope, Exchange, Replies, Step
from service.delivery.limits import Timeouts
from service.delivery.outcome import Phase, Reply

TAIL_OCTETS = 2_048  # more than the dot and the next envelope's commands ever take
CLOSED = "The relay closed the connection without an answer."
NO_REPLY = "The relay sent something that is no SMTP reply."
NOT_IN_TIME = "No answer from the relay in time."
NOT_READ = "The relay stopped reading the message."
_DOT_AT_START = re.compile(rb"(?m)^\.")
_GOOD = {250, 251, 252}


_FOLLOWING = {Step.MAIL: Phase.RCPT, Step.RCPT: Phase.DATA}


class Channel(asyncio.Protocol):
    """One connection behind its EHLO, taken over from whoever opened it by `transport.set_protocol`."""

    def __init__(self, transport: asyncio.Transport, timeouts: Timeouts, *, pipelines: bool) -> None:
        self._transport = transport
        self._waits = _waits(timeouts)
        self._block = timeouts.block
        self._pace = min(*self._waits, timeouts.block / 4)
        self.pipelines = pipelines
        self._loop = asyncio.get_running_loop()
        self._replies = Replies()
        self._expected: deque[tuple[Exchange, Step]] = deque()
        self._live: list[Exchange] = []
        self._is_soiled = False  # a transaction was refused halfway: RSET comes first
        self._is_stuffed = False
        self._deadline = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._unread: unread.Unread | None = None  # at the last look, of a message that was being written
        self._farewell = ""
        self.gone: asyncio.Future[None] = self._loop.create_future()
        # From here on "paused" means that more than the tail is unsent: the final dot has not left.
        transport.set_write_buffer_limits(high=TAIL_OCTETS, low=TAIL_OCTETS)

    @property
    def is_open(self) -> bool:
        return not self.gone.done() and not self._transport.is_closing()

    def announce(self, envelope: Envelope, options: str = "") -> Exchange:
        """Say who it is from and for; its message follows when `opened` is done and it is not over."""
        exchange = Exchange(envelope)
        self._say(self._opening(exchange, options))
        return exchange

    def hand_over(self, exchange: Exchange, then: tuple[Envelope, str] | None = None) -> Exchange | None:
        """Send the message; no byte of it has left before. `then` is announced right behind it, on a pipelining relay only."""
        if not self.is_open:
            self._lost()
            return None
        message = exchange.envelope.message
        if exchange.envelope.may_begin_lines_with_dots:
            message = _DOT_AT_START.sub(b"..", message)
        self._expected.append((exchange, Step.DOT))
        pieces = [message, b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n"]
        following = None
        if then is not None:
            following = Exchange(then[0])
            pieces.append(self._opening(following, then[1]))
        exchange.phase = Phase.BODY
        self._transport.writelines(pieces)
        self._wait_on()
        if not self._is_stuffed and self.is_open:
            exchange.phase = Phase.DOT
        return following

    def drop(self, reason: str) -> None:
        """Close at once; what is under way ends with that reason."""
        self._farewell = self._farewell or reason
        self._transport.abort()
        self._lost()

    async def quit(self, seconds: float) -> None:
        """Behind a 354 a QUIT would be the message's first line, and never be answered: then it is dropped at once."""
        try:
            if self.is_open and not (self._expected or self._live):
                self._transport.write(b"QUIT\r\n")
                await asyncio.wait([self.gone], timeout=seconds)
        finally:
            self.drop("We closed the connection.")

    def data_received(self, data: bytes) -> None:
        try:
            found = self._replies.read(data)
        except ValueError:
            self.drop(NO_REPLY)
            return
        for code, text in found:
            self._replied(code, text)
        if not self._expected:
            self._deadline = 0.0
        elif found:  # half a reply is none: who lets it drip is not waited for
            self._wait_on()

    def pause_writing(self) -> None:
        self._is_stuffed = True

    def resume_writing(self) -> None:
        self._is_stuffed = False
        for exchange in self._live:
            if exchange.phase is Phase.BODY:
                exchange.phase = Phase.DOT

    def connection_lost(self, error: Exception | None) -> None:
        self._lost()

    def eof_received(self) -> bool:
        return False

    def _opening(self, exchange: Exchange, options: str) -> bytes:
        envelope = exchange.envelope
        exchange.steps.extend(
            (
                (Step.MAIL, f"MAIL FROM:<{envelope.mail_from}>{options}\r\n".encode()),
                (Step.RCPT, f"RCPT TO:<{envelope.rcpt_to}>\r\n".encode()),
                (Step.DATA, b"DATA\r\n"),
            )
        )
        if self._is_soiled:
            self._is_soiled = False
            exchange.steps.appendleft((Step.RESET, b"RSET\r\n"))
        self._live.append(exchange)
        return self._next_commands(exchange)

    def _next_commands(self, exchange: Exchange) -> bytes:
        together: list[bytes] = []
        while exchange.steps:
            step, command = exchange.steps.popleft()
            self._expected.append((exchange, step))
            together.append(command)
            if not self.pipelines:
                break
        return b"".join(together)

    def _say(self, data: bytes) -> None:
        self._transport.write(data)
        self._wait_on()

    def _replied(self, code: int, text: str) -> None:
        if not self._expected:
            # Nobody asked: the relay says goodbye (421), or answers our QUIT (221).
            self._farewell = f"{code} {text}"
            self._transport.close()
            return
        exchange, step = self._expected.popleft()
        self._answered(exchange, step, Reply(_PHASES[step], code, text))
        if code == 421:
            self.drop(f"{code} {text}")

    def _answered(self, exchange: Exchange, step: Step, reply: Reply) -> None:
        if step is Step.DOT or step is Step.LONE_DOT:
            self._over(exchange, reply)
        elif step is Step.DATA:
            self._answered_data(exchange, reply)
        elif step in (Step.MAIL, Step.RCPT):
            exchange.phase = _FOLLOWING[step]
            if reply.code not in _GOOD:
                self._is_soiled = True
                exchange.refusal = exchange.refusal or reply
        if exchange.is_over or self.pipelines or not exchange.steps:
            return
        if exchange.refusal is not None:
            self._over(exchange, exchange.refusal)
        else:
            self._say(self._next_commands(exchange))

    def _answered_data(self, exchange: Exchange, reply: Reply) -> None:
        if reply.code != 354:
            self._is_soiled = True
            self._over(exchange, reply)
        elif exchange.refusal is None:
            if not exchange.opened.done():  # whoever waited for it may have gone
                exchange.opened.set_result(None)
        else:
            # RFC 2920 §3.1: nobody was accepted, and yet the relay waits for a message. An empty one ends that, and goes to nobody.
            self._expected.append((exchange, Step.LONE_DOT))
            self._say(b".\r\n")

    def _over(self, exchange: Exchange, reply: Reply) -> None:
        self._live.remove(exchange)
        exchange.settle(reply)

    def _lost(self) -> None:
        if self.gone.done():
            return
        self.gone.set_result(None)
        if self._watch is not None:
            self._watch.cancel()
        self._expected.clear()
        live, self._live = self._live, []
        for exchange in live:
            exchange.settle(Reply(exchange.phase, 0, self._farewell or CLOSED))

    def _wait_on(self) -> None:
        """One timer for a connection: it looks at the deadline and does not move with every reply."""
        self._deadline = self._loop.time() + self._waits[self._expected[0][1]]
        if self._watch is None:
            self._watch = self._loop.call_later(self._pace, self._look)

    def _look(self) -> None:
        self._watch = None
        if not self._deadline or self.gone.done():
            return
        now = self._loop.time()
        if self._expected[0][1] is Step.DOT:
            self._follow_the_message(now)
        else:
            self._unread = None
        if now >= self._deadline:
            self.drop(NOT_IN_TIME if self._unread is None else NOT_READ)
            return
        self._watch = self._loop.call_at(min(self._deadline, now + self._pace), self._look)

    def _follow_the_message(self, now: float) -> None:
        """RFC 5321 §4.5.3.2.5: while it is being written all that counts is that the relay reads on; the dot's time begins then."""
        before, found = self._unread, unread.of(self._transport)
        if found.octets:
            self._unread = found
            is_stuck = before is not None and before.mark == found.mark
            self._deadline = self._deadline if is_stuck else now + self._block
        elif before is not None:
            self._unread = None
            self._deadline = now + self._waits[Step.DOT]


def _waits(timeouts: Timeouts) -> tuple[float, ...]:
    """Seconds for the reply to each step, in the order of `Step`."""
    return (timeouts.mail, timeouts.mail, timeouts.rcpt, timeouts.data, timeouts.dot, timeouts.dot)


_PHASES = (Phase.MAIL, Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.DOT, Phase.DATA)  # in the order of `Step`
