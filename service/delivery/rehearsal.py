"""A rehearsal: an edition as a test to a few addresses. Its readers, its state and its ledger are not touched.

read the content -> render, with no transaction open -> write: the limits, a notice for each address, the audit log -> nudge

So that nobody's mailbox is flooded and a stolen key is no open relay, tests are limited in number, and none goes to an address that
is suppressed.
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlmodel import Session

from service import addresses, tokens
from service.clock import Clock
from service.database import Database
from service.delivery import samples
from service.editions import content, queries
from service.errors import Conflict, Unavailable
from service.events import log as events
from service.jobs import Jobs, Kind
from service.ledger import notices
from service.newsletters.models import Newsletter
from service.rendering import body
from service.rendering.content import EditionContent
from service.settings import Settings
from service.subscribers import cooldowns
from service.suppressions import register as suppressions

MARK = "[Test] "
ACTOR_COUNT_PER_HOUR = 60
MAILBOX_COUNT_PER_HOUR = 15
OVERALL_COUNT_PER_HOUR = 300


class TooManyTests(Unavailable):
    """Many tests have been sent in the last hour, so this one was not. Please try again in an hour."""


class NotMailed(Conflict):
    """This address is on the list of those we do not mail, so no test goes there. Use another one."""


class Holder(Protocol):
    """What of a process's resources is needed here."""

    @property
    def database(self) -> Database: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def templates(self) -> Path: ...
    @property
    def pepper(self) -> str: ...


@dataclass(frozen=True)
class _Wanted:
    edition_uid: uuid.UUID
    messages: Mapping[str, bytes]  # by address
    actor: str
    pepper: str


async def send_test(held: Holder, edition_uid: uuid.UUID, to: Sequence[str], *, actor: str) -> list[str]:
    """Queue one message to each address as a notice; returns the addresses as they will be written to.

    All or none. Raises AddressInvalid, NotMailed, TooManyTests, EditionNotFound.
    """
    wires = list(dict.fromkeys(addresses.parse(text).wire for text in to))
    found, newsletter = await held.database.read(_found, edition_uid, held.settings.base_url)
    made = await asyncio.to_thread(body.render, found, held.templates, subject_prefix=MARK)
    now, base_url = held.clock.now(), held.settings.base_url
    messages = {
        wire: samples.message(made, newsletter, wire, base_url=base_url, now=now, kind=samples.TEST)
        for wire in wires
    }
    await held.database.write(_queue, _Wanted(edition_uid, messages, actor, held.pepper), now=now)
    await held.jobs.nudge(Kind.NOTICE, f"test-{edition_uid}")
    return wires


def _found(session: Session, edition_uid: uuid.UUID, base_url: str) -> tuple[EditionContent, Newsletter]:
    edition = queries.get(session, edition_uid)
    return content.of(session, edition, base_url=base_url), queries.newsletter_of(session, edition)


def _queue(session: Session, wanted: _Wanted, *, now: datetime) -> None:
    edition = queries.get(session, wanted.edition_uid)
    newsletter = queries.newsletter_of(session, edition)
    for wire, message in wanted.messages.items():
        _admit(session, wire, wanted, now)
        payload = {"from": newsletter.from_address}
        notice = notices.queue(
            session, samples.TEST, address=wire, payload=payload, now=now, subject_id=edition.id
        )
        notice.message = message
        session.add(notice)
    told = [addresses.masked(wire) for wire in wanted.messages]
    facts = {"messages": len(told), "to": told, "version": edition.version_number}
    subject = ("edition", edition.uid)
    events.record(session, "edition.tested", actor=wanted.actor, now=now, subject=subject, facts=facts)


def _admit(session: Session, wire: str, wanted: _Wanted, now: datetime) -> None:
    """A refusal undoes the whole write, so what was refused is not counted."""
    key = addresses.parse(wire).key
    mailbox = tokens.keyed_hash(wanted.pepper, addresses.without_tag(key))
    if suppressions.in_force(session, tokens.keyed_hash(wanted.pepper, key)) is not None:
        raise NotMailed(
            f"{wire} is on the list of addresses we do not mail, so no test goes there. Use another one."
        )
    limits = (
        (f"test-by:{tokens.keyed_hash(wanted.pepper, wanted.actor)}", ACTOR_COUNT_PER_HOUR, wanted.actor),
        (f"test-to:{mailbox}", MAILBOX_COUNT_PER_HOUR, wire),
        ("test", OVERALL_COUNT_PER_HOUR, "all together"),
    )
    for place, most, whose in limits:
        if not cooldowns.admit_by_the_hour(session, place, most, now=now):
            raise TooManyTests(
                f"No more than {most} tests an hour are sent ({whose}), so none was sent now. Please try again in an hour."
            )
