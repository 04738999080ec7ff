"""What is put in order: by the hour old rows are let go, secrets locked with the newest key, partitions made ahead; waits, when the
database's clock went back.
"""

from datetime import timedelta

from sqlmodel import Session

from service.accounts import replies, signin
from service.bounces import inbox_register, keeping
from service.bounces.hooks import handling as relay_events
from service.database import Database
from service.deadlines import pings
from service.delivery import clock_steps, dkim_keys, pace_rows
from service.dependencies import Resources
from service.editions import sharing
from service.imports import register as imports
from service.ledger import partitions
from service.retention import tiers
from service.subscribers import cooldowns
from service.workers import register


def clock_went_back(session: Session, by: timedelta) -> None:
    """The database's, by which all waits are told."""
    clock_steps.move(session, by)
    pings.move(session, by)


async def move_readers(database: Database, by: timedelta) -> None:
    """What `clock_went_back` leaves, edition by edition."""
    for edition_id in await database.read(clock_steps.under_way):
        await database.write(clock_steps.move_readers, edition_id, by)


async def tidy(held: Resources) -> None:
    await held.jobs.tidy()
    write, now = held.database.write, held.clock.now()
    await write(partitions.ensure)
    await tiers.apply(held)
    await write(cooldowns.sweep, now=now)
    await write(sharing.forget_old, now=now)
    await write(imports.forget_old, now=now)
    await write(replies.forget_old, now=now)
    await write(signin.forget_expired, now=now)
    await write(register.forget_old)
    await write(pace_rows.forget_old)
    await write(dkim_keys.lock_anew, held.keys)
    await write(inbox_register.lock_anew, held.keys)
    await write(keeping.forget_old, now=now)
    await relay_events.tidy(held.database, held.keys, now)
