"""A relay tried out live, step by step, in words for whoever has to mend it. Nothing is stored, and no transaction is open.

    host -> connection -> greeting -> EHLO -> TLS -> sign-in -> [sender -> recipient -> message]      (implicit TLS before the greeting)

The first step that fails ends it. A password is only ever sent inside a connection whose certificate was verified.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from service import addresses, tokens
from service.clock import Clock
from service.delivery.exchange import Envelope
from service.delivery.profiles import Profile
from service.delivery.relay_conversation import Conversation, Failed, Warned
from service.delivery.transport import RelayAddress, Timeouts
from service.rendering import notices
from service.rendering.notices import NoticeFacts

SAID_CHARACTERS = 400
PATIENCE = Timeouts(connect=10, reply=20, dot=60)  # somebody is waiting
TITLES = {
    "host": "Find the host",
    "connection": "Connect",
    "greeting": "Greeting",
    "ehlo": "What it offers",
    "tls": "Encryption",
    "sign_in": "Sign in",
    "sender": "Sender",
    "recipient": "Recipient",
    "message": "Test message",
}


class StepState(StrEnum):
    DONE = "works"
    WARNED = "look at this"
    FAILED = "failed"
    SKIPPED = "not reached"


@dataclass(frozen=True)
class Step:
    """What was tried, what happened, and, if that is not as it should be, what to do; the `seconds` it took."""

    name: str
    state: StepState
    said: str = ""
    advice: str = ""
    seconds: float = 0.0

    @property
    def title(self) -> str:
        return TITLES[self.name]


@dataclass(frozen=True)
class Trial:
    steps: tuple[Step, ...]
    queue_id: str | None = None

    @property
    def failed(self) -> Step | None:
        return next((step for step in self.steps if step.state is StepState.FAILED), None)

    @property
    def works(self) -> bool:
        return self.failed is None

    @property
    def has_sent(self) -> bool:
        last = self.steps[-1]
        return last.name == "message" and last.state is StepState.DONE


@dataclass(frozen=True)
class Letter:
    """The message a trial sends. `desk_url` is where its reader finds the relays."""

    from_address: str
    to_address: str
    desk_url: str
    public_url: str


async def run(
    address: RelayAddress,
    profile: Profile,
    clock: Clock,
    envelope: Envelope | None,
    *,
    timeouts: Timeouts = PATIENCE,
) -> Trial:
    """Try everything up to signing in; with an envelope, hand that message over too. Raises nothing for what a relay does."""
    talk = Conversation(address, profile, clock, envelope, timeouts)
    loop, steps = asyncio.get_running_loop(), list[Step]()
    tries = talk.tries()
    try:
        for number, (name, attempt) in enumerate(tries):
            began = loop.time()
            found: str | Warned | Failed
            try:
                found = await attempt()
            except Failed as failed:
                found = failed
            steps.append(_step(name, found, loop.time() - began))
            if isinstance(found, Failed):
                steps += [Step(left, StepState.SKIPPED) for left, _ in tries[number + 1 :]]
                break
    finally:
        await talk.end()
    return Trial(tuple(steps), talk.queue_id)


def _step(name: str, found: str | Warned | Failed, seconds: float) -> Step:
    if isinstance(found, str):
        return Step(name, StepState.DONE, found[:SAID_CHARACTERS], seconds=round(seconds, 3))
    state = StepState.FAILED if isinstance(found, Failed) else StepState.WARNED
    return Step(name, state, found.said[:SAID_CHARACTERS], found.advice, round(seconds, 3))


def made(letter: Letter, relay: str, templates: Path, now: datetime) -> Envelope:
    """Raises AddressInvalid for an address that is none."""
    sender, reader = addresses.parse(letter.from_address), addresses.parse(letter.to_address)
    facts = NoticeFacts(
        to_address=reader.wire,
        to_name=None,
        from_name="Morning Memo",
        from_address=sender.wire,
        reply_to=None,
        message_id=f"<{tokens.new_uid().hex}@{sender.domain}>",
        date=now,
        language="en",
        direction="ltr",
        accent="#b3261e",
        postal_address="",
        public_url=letter.public_url,
    )
    values = {"relay": relay, "desk_url": letter.desk_url}
    return Envelope(sender.wire, reader.wire, notices.render("relay-test", values, facts, templates))
