"""A copy made during a send, and put back elsewhere: nothing leaves until a person says so, and then only to those who are open."""

import asyncio
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col

from service.backups import continuity, marker, standstill
from service.backups.copies import AtWork, NotACopy, NotEmpty
from service.backups.marker import Marker
from service.cli import copying
from service.clock import SystemClock
from service.delivery import restored, steering
from service.delivery.reopening import AfterTheNext
from service.delivery.restored import NotRestored
from service.delivery.steering import IsRestored
from service.dependencies import Resources, opened
from service.editions import passing, queries, rhythm
from service.editions.models import Edition, Fate, Occurrence, State
from service.editions.rhythm import Rhythm
from service.ledger.models import OPEN, Delivery, Run
from service.newsletters.models import Newsletter
from service.worker import Worker
from tests.service.backups.conftest import Elsewhere
from tests.support import publishing
from tests.support.clock import HandClock
from tests.support.outbox import Outbox, open_outbox
from tests.support.relay import Relay

READERS = 400


def readers(count: int = READERS) -> list[str]:
    return [f"reader{number}@example.org" for number in range(count)]


async def back_up(resources: Resources, target: Path) -> copying.Made:
    return await asyncio.to_thread(copying.back_up, resources.settings, target)


def still_open(session: Session, edition_id: int) -> set[str]:
    query = sa.select(col(Delivery.address)).where(
        col(Delivery.edition_id) == edition_id, col(Delivery.state).in_(OPEN)
    )
    return set(session.execute(query).scalars())


async def test_a_backup_taken_during_a_send_sends_nothing_until_released_and_then_only_to_those_open(
    resources: Resources, elsewhere: Elsewhere, relay: Relay, tmp_path: Path
) -> None:
    """faults.md: a restored copy holds all sending until an account releases it."""
    resources, copy = replace(resources, clock=SystemClock()), tmp_path / "memo.copy"
    relay.delay = 0.02
    outbox = await open_outbox(resources, readers())
    last = set(readers()[300:])  # however long the copy takes to begin, there is somebody missing in it
    kept_back = relay.when(phase="rcpt", matching=lambda moment: moment.recipient in last).stall()
    async with Worker(resources, relay.url).running():
        await relay.until(60, within=60)
        made = await back_up(resources, copy)
        relay.delay = 0
        kept_back.release()
        await outbox.until_ended(within=60)
    assert made.contents is not None
    assert (made.contents.readers, made.contents.under_way) == (READERS, 1)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    had = len(relay.received)
    assert had == READERS, "making a copy kept nobody from getting it"

    found = await elsewhere.restored(copy)
    (stopped,) = found.stopped
    assert (stopped.uid, stopped.accepted + stopped.open) == (outbox.edition.uid, READERS)
    async with opened(elsewhere.chosen, SystemClock()) as there:
        missing = await there.database.read(still_open, outbox.edition.id)
        assert 0 < len(missing) < READERS - 50
        async with Worker(there, relay.url).running():
            await asyncio.sleep(0.8)
            with pytest.raises(IsRestored):
                await _write(there, steering.resume, outbox)
            await _write(there, restored.release, outbox)
            await asyncio.sleep(0.8)
            assert len(relay.received) == had, "the edition is released, sending as a whole is not"
            await there.database.write(continuity.release, now=there.clock.now(), actor="Ada")
            ended = await Outbox(there, outbox.edition).until_ended(within=60)
    assert (ended.accepted, ended.open) == (READERS, 0)
    again = [received.recipient for received in relay.received[had:]]
    assert sorted(again) == sorted(missing)


async def _write(there: Resources, act: Callable[..., Edition], outbox: Outbox) -> None:
    await there.database.write(act, outbox.edition.uid, now=there.clock.now(), actor="Ada")


async def test_what_came_due_since_the_copy_is_missed_and_what_comes_later_is_not(
    resources: Resources, clock: HandClock
) -> None:
    def prepared(session: Session) -> Newsletter:
        memo = publishing.newsletter(session, clock.now())
        rhythm.set_cadence(session, memo, Rhythm("daily", "07:00", True), now=clock.now(), actor="test")
        publishing.article(session, memo, 1, now=clock.now())
        return memo

    memo = await resources.database.write(prepared)  # due at 06:00 UTC; it is 05:30
    clock.advance(timedelta(hours=27))
    found = await resources.database.write(
        standstill.begin, "A backup was restored.", now=clock.now(), actor="test"
    )
    assert [one.local_date.isoformat() for one in found.missed] == ["2026-03-02", "2026-03-03"]
    rows = await resources.database.read(
        lambda session: session.execute(sa.select(col(Occurrence.fate), col(Occurrence.reason))).all()
    )
    assert [tuple(row) for row in rows] == [(Fate.MISSED, passing.REASON)] * 2
    (cadence,) = await resources.database.read(queries.cadences_of, memo.id)
    assert cadence.next_run_at > clock.now()


async def test_a_copy_is_not_put_over_a_newsroom_unless_asked_and_what_was_there_is_kept(
    resources: Resources, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    copy = tmp_path / "memo.copy"
    await open_outbox(resources, readers(3))
    await back_up(resources, copy)
    first = await elsewhere.put_back(copy)
    assert (first.aside, first.foreign_secrets) == (None, [])
    with pytest.raises(NotEmpty, match="3 readers"):
        await elsewhere.put_back(copy)
    second = await elsewhere.put_back(copy, replace=True)
    assert second.aside is not None
    assert stat.S_IMODE(second.aside.stat().st_mode) == 0o600
    async with opened(elsewhere.chosen) as there:
        assert await there.database.read(continuity.hold) is not None


async def test_other_secrets_are_noticed(resources: Resources, elsewhere: Elsewhere, tmp_path: Path) -> None:
    copy = tmp_path / "memo.copy"
    await back_up(resources, copy)
    there = Elsewhere(elsewhere.chosen.model_copy(update={"secret_key": "quite another"}))
    assert (await there.put_back(copy)).foreign_secrets == ["key"]


async def test_nothing_is_put_under_a_worker(resources: Resources, relay: Relay, tmp_path: Path) -> None:
    copy = tmp_path / "memo.copy"
    await back_up(resources, copy)
    async with Worker(resources, relay.url).running():
        with pytest.raises(AtWork, match="memo worker"):
            await Elsewhere(resources.settings).put_back(copy, replace=True)


async def test_what_is_no_copy_or_broken_is_refused(
    elsewhere: Elsewhere, resources: Resources, tmp_path: Path
) -> None:
    copy = tmp_path / "memo.copy"
    copy.write_bytes(b"something else")
    with pytest.raises(NotACopy):
        await elsewhere.put_back(copy)
    await open_outbox(resources, readers(50))
    await back_up(resources, copy)
    data = copy.read_bytes()
    copy.write_bytes(data[: len(data) // 2])
    with pytest.raises(NotACopy):
        await elsewhere.put_back(copy)
    assert not list(elsewhere.chosen.data_dir.glob("*.sqlite3")), "nothing half is left behind"


async def test_an_older_copy_is_noticed_at_the_start(resources: Resources, relay: Relay) -> None:
    """The file outside remembers more than the database does: somebody has put a copy back by hand."""
    outbox = await open_outbox(resources, readers(30))
    path = marker.place(resources.settings)
    seen = await resources.database.read(continuity.row)
    await resources.database.write(continuity.beat, {})
    marker.write(path, Marker(seen.lineage, seen.generation + 5))
    for _ in range(2):  # and it stays so when it is started again
        async with opened(resources.settings, SystemClock()) as life, Worker(life, relay.url).running():
            await asyncio.sleep(0.3)
        hold = await resources.database.read(continuity.hold)
        assert hold is not None
        assert hold.reason == marker.OLDER
    assert (await outbox.state(), relay.received) == (State.PAUSED, [])


async def test_a_database_that_goes_on_from_where_it_was_is_sent_from(
    resources: Resources, relay: Relay
) -> None:
    outbox = await open_outbox(resources, readers(5))
    await resources.database.write(
        steering.pause, outbox.edition.uid, reason="", now=SystemClock().now(), actor=""
    )
    for _ in range(2):
        async with opened(resources.settings, SystemClock()) as life, Worker(life, relay.url).running():
            pass
    await _write(resources, steering.resume, outbox)
    async with opened(resources.settings, SystemClock()) as life, Worker(life, relay.url).running():
        assert (await outbox.until_ended()).accepted == 5


async def test_released_too_late_it_is_not_sent_behind_the_next_one(resources: Resources) -> None:
    outbox = await open_outbox(resources, readers(5))

    def follow(session: Session) -> None:
        held = session.get_one(Edition, outbox.edition.id)
        assert held.started_at is not None
        session.add(
            Edition(
                newsletter_id=held.newsletter_id, local_date=held.local_date, slot=2, state=State.SENDING,
                created_at=held.created_at, started_at=held.started_at + timedelta(hours=1), is_automatic=True,
            )
        )  # fmt: skip

    now = SystemClock().now()
    with pytest.raises(NotRestored):
        await _write(resources, restored.release, outbox)
    await resources.database.write(standstill.begin, "A backup was restored.", now=now, actor="test")
    await resources.database.write(follow)
    with pytest.raises(AfterTheNext):
        await _write(resources, restored.release, outbox)
    run = await resources.database.read(lambda session: session.get_one(Run, outbox.edition.id))
    assert run.stopped == "restored"
