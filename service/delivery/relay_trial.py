"""A relay tried out live, step by step, in words for whoever has to mend it. No transaction is open meanwhile.

    host -> connection -> greeting -> EHLO -> TLS -> sign-in -> [sender -> recipient -> message]      (implicit TLS before the greeting)

The first step that fails ends it. A password is only ever sent inside a connection whose certificate was verified.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from sqlmodel import Session

from service import addresses, tokens
from service.clock import Clock
from service.database import Database
from service.delivery import profiles, relay_register, transport
from service.delivery.exchange import Envelope
from service.delivery.limits import Timeouts
from service.delivery.models import Relay
from service.delivery.profiles import Profile
from service.delivery.relay_conversation import Conversation, Failed, Warned
from service.delivery.relay_register import Greeting
from service.delivery.transport import RelayAddress
from service.errors import Conflict, Invalid
from service.events import log
from service.newsletters import publication
from service.rendering import notices
from service.rendering.notices import NoticeFacts
from service.settings import Settings
from service.tokens import Keys

SAID_CHARACTERS = 400
PATIENCE = Timeouts(
    connect=10, greeting=20, mail=20, rcpt=20, data=20, block=20, dot=60
)  # somebody is waiting
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


@dataclass(frozen=True)
class Wanted:
    """Which relay, and to whom the test message goes; without `to_address` it ends at the sign-in. `from_address` empty: a newsletter's."""

    relay: str
    to_address: str = ""
    from_address: str = ""


class SenderNeeded(Invalid):
    """There is no newsletter yet whose sender could be used. Say which address the test message comes from."""


class NotKnownHere(Conflict):
    """This relay is told by MEMO_RELAY_URL, and this process was started without it: try it out where the setting is."""


class Holder(Protocol):
    """What of a process's resources is needed here."""

    @property
    def database(self) -> Database: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def templates(self) -> Path: ...


async def take(held: Holder, wanted: Wanted, *, actor: str) -> tuple[Relay, Trial]:
    """Try a relay of the register out. Read, talk, then one write: who tried, and how it went."""
    relay, sender = await held.database.read(_asked_for, wanted)
    address = _address(held, relay)
    envelope = None
    if wanted.to_address.strip():
        base = held.settings.base_url
        letter = Letter(sender, wanted.to_address, f"{base}/desk/relays", base)
        envelope = await asyncio.to_thread(made, letter, relay.name, held.templates, held.clock.now())
    trial = await run(address, profiles.BY_KEY.get(relay.profile, profiles.GENERIC), held.clock, envelope)
    await held.database.write(_note, relay, trial, now=held.clock.now(), actor=actor)
    return relay, trial


def _asked_for(session: Session, wanted: Wanted) -> tuple[Relay, str]:
    relay, sender = relay_register.get(session, wanted.relay), wanted.from_address.strip()
    if wanted.to_address.strip() and not sender:
        newsletters = publication.all_of(session)
        if not newsletters:
            raise SenderNeeded(field="from_address")
        sender = newsletters[0].from_address
    return relay, sender


def _address(held: Holder, relay: Relay) -> RelayAddress:
    settings = held.settings
    greeting = Greeting(settings.greeting_name, settings.relay_ca_file)
    if not relay.is_from_setting:
        return relay_register.address_of(relay, held.keys, greeting)
    own = None
    if settings.relay_url:
        own = transport.read_address(
            settings.relay_url, ehlo_name=greeting.ehlo_name, ca_file=greeting.ca_file
        )
    if own is None or own.name != relay.name:
        raise NotKnownHere
    return own


def _note(session: Session, relay: Relay, trial: Trial, *, now: datetime, actor: str) -> None:
    facts = {
        "name": relay.name,
        "failed": trial.failed.name if trial.failed else None,
        "sent": trial.has_sent,
    }
    log.record(session, "relay.tested", actor=actor, now=now, subject=("relay", relay.uid), facts=facts)


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


async def lets_us_in(address: RelayAddress, clock: Clock, timeouts: Timeouts = PATIENCE) -> str | None:
    """What keeps it from taking mail from us, with the place and what to do; None: nothing does. As far as the sender's name, and
    no message.
    """
    talk, place = (
        Conversation(address, profiles.GENERIC, clock, None, timeouts),
        f"{address.host}, port {address.port}",
    )
    try:
        for _, attempt in talk.tries():
            await attempt()
        refusal = await talk.refusal()
        return f"{place}: {refusal}" if refusal is not None else None
    except Failed as failed:
        said = failed.said.removeprefix(f"{address.host}: ").rstrip(".")
        return f"{place}: {said}. {failed.advice}"
    finally:
        await talk.end()


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
