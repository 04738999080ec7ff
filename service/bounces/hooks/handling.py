"""Events that were kept are handled like reports that came by mail: by the same rules, and with one effect for both.

A relay that has proved itself is believed about an address. Which message it means, our Message-ID says where it is told, else the
relay's own number, which its 250 gave us; where neither helps, only the reader is known, and no edition is held to it.
"""

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import addresses, logs
from service.bounces import handling
from service.bounces.findings import Finding, Form
from service.bounces.hooks import keeping, register
from service.bounces.hooks.models import RelayEvent, RelayHook
from service.bounces.matching import Means
from service.bounces.rows import Evidence
from service.clock import Clock
from service.database import Database
from service.delivery.models import Relay
from service.editions.models import Edition
from service.errors import MemoError
from service.ledger import rows
from service.ledger.models import Delivery, Run
from service.subscribers import queries
from service.tokens import Keys

log = logs.get(__name__)
AT_ONCE = 100
EDITIONS_BACK = 20
NUMBER_CHARACTERS = 6  # a shorter one may stand in a reply by chance
AGAIN = "known already"


async def handle_all(database: Database, clock: Clock, means: Means) -> None:
    """All that wait, a hundred to a transaction; what another worker is at is left to it."""
    while await database.read(keeping.is_any_waiting):
        if not await database.write(work_through, means, now=clock.now()):
            return


async def tidy(database: Database, keys: Keys, now: datetime) -> None:
    await database.write(register.lock_anew, keys)
    await database.write(register.forget_troubles, now=now)
    await database.write(keeping.forget_old, now=now)


def work_through(session: Session, means: Means, *, now: datetime) -> int:
    """Apply the next ones; how many. Each is marked in the same transaction, so killed in the middle none is done twice or lost."""
    events = keeping.waiting(session, limit=AT_ONCE)
    names = _relays(session, {event.hook_id for event in events})
    for event in events:
        event.outcome = _applied(session, event, names.get(event.hook_id, "relay"), means, now)
        event.handled_at = now
        session.add(event)
    return len(events)


def _applied(session: Session, event: RelayEvent, relay: str, means: Means, now: datetime) -> str:
    """What came of it. One that cannot be handled says so and stops none behind it."""
    try:
        with session.begin_nested():
            finding = _with_our_id(session, event, keeping.finding_of(event))
            evidence = Evidence(
                f"relay {relay}"[:40], f"{event.hook_id}:{event.key}", Form.EVENT, is_proved=True
            )
            bounce = handling.apply(session, finding, evidence, means, now=now)
            return AGAIN if bounce is None else bounce.action.value
    except (MemoError, ValueError, TypeError, KeyError, sa.exc.DataError) as error:
        log.exception("relay.event_not_handled", row=event.id)
        return f"could not be handled: {type(error).__name__}"


def _relays(session: Session, hooks: set[int]) -> dict[int, str]:
    query = sa.select(col(RelayHook.id), col(Relay.name)).join(Relay, col(Relay.id) == RelayHook.relay_id)
    return {row[0]: row[1] for row in session.execute(query.where(col(RelayHook.id).in_(hooks)))}


def _with_our_id(session: Session, event: RelayEvent, finding: Finding) -> Finding:
    """With our own Message-ID, where the relay told only its number."""
    if finding.original.message_id or len(event.number) < NUMBER_CHARACTERS or not finding.recipient:
        return finding
    message_id = _message_id(session, addresses.parse(finding.recipient), event.number)
    return (
        replace(finding, original=finding.original._replace(message_id=message_id)) if message_id else finding
    )


def _message_id(session: Session, address: addresses.Address, number: str) -> str:
    subscriber = queries.subscriber_of_key(session, address.key)
    if subscriber is None:
        return ""
    recent = select(Run.edition_id).order_by(col(Run.started_at).desc()).limit(EDITIONS_BACK)
    query = (
        sa.select(col(Edition.uid), col(Delivery.number), col(Delivery.reply))
        .join(Edition, col(Edition.id) == col(Delivery.edition_id))
        .where(
            col(Delivery.edition_id).in_(list(session.exec(recent))),
            col(Delivery.subscriber_id) == subscriber.id,
        )
    )
    for uid, delivery, reply in session.execute(query):
        if number in (reply or ""):
            return rows.message_id(uid, delivery, "x").strip("<>")
    return ""
