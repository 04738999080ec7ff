import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlmodel import Session, func, select

from service.accounts import keys, replies
from service.accounts.replies import Ask, IdempotencyKeyUnusable, Reply, StillAtWork, UsedForAnotherRequest
from service.dependencies import Resources
from service.errors import Invalid
from service.events import log
from service.events.models import Event
from tests.support.clock import HandClock


@pytest.fixture
async def asked(resources: Resources) -> AsyncIterator[Ask]:
    key, _ = await resources.database.write(keys.create, "City desk", ["write"], now=resources.clock.now())
    yield replies.ask(key.id, "one", method="POST", path="/x", body=b"{}")


def _other_body(asked: Ask) -> Ask:
    return replies.ask(asked.key_id, asked.idempotency_key, method="POST", path="/x", body=b"{ }")


class _Work:
    """Leaves an event behind, so that its doing can be counted."""

    def __init__(self, clock: HandClock) -> None:
        self._clock = clock

    def __call__(self, session: Session) -> Reply:
        log.record(session, "test.worked", actor="test", now=self._clock.now())
        return Reply(201, '{"made": true}')


def _count(session: Session) -> int:
    return session.exec(select(func.count()).where(Event.name == "test.worked")).one()


async def test_the_same_request_is_done_once_and_answered_the_same(
    resources: Resources, asked: Ask, clock: HandClock
) -> None:
    work = _Work(clock)
    first = await resources.database.write(replies.once, asked, work, now=clock.now())
    again = await resources.database.write(replies.once, asked, work, now=clock.now())

    assert (first.status, first.body, first.is_replayed) == (201, '{"made": true}', False)
    assert (again.status, again.body, again.is_replayed) == (201, '{"made": true}', True)
    assert await resources.database.read(_count) == 1


async def test_twenty_at_once_do_the_work_once(resources: Resources, asked: Ask, clock: HandClock) -> None:
    work = _Work(clock)
    answers = await asyncio.gather(
        *(resources.database.write(replies.once, asked, work, now=clock.now()) for _ in range(20))
    )

    assert {(answer.status, answer.body) for answer in answers} == {(201, '{"made": true}')}
    assert [answer.is_replayed for answer in answers].count(False) == 1
    assert await resources.database.read(_count) == 1


async def test_another_body_is_refused(resources: Resources, asked: Ask, clock: HandClock) -> None:
    work = _Work(clock)
    await resources.database.write(replies.once, asked, work, now=clock.now())

    with pytest.raises(UsedForAnotherRequest):
        await resources.database.write(replies.once, _other_body(asked), work, now=clock.now())
    assert await resources.database.read(_count) == 1


async def test_work_that_fails_leaves_nothing_behind(
    resources: Resources, asked: Ask, clock: HandClock
) -> None:
    def failing(session: Session) -> Reply:
        _Work(clock)(session)
        raise Invalid("not like this")

    with pytest.raises(Invalid, match="not like this"):
        await resources.database.write(replies.once, asked, failing, now=clock.now())
    answer = await resources.database.write(replies.once, asked, _Work(clock), now=clock.now())

    assert not answer.is_replayed
    assert await resources.database.read(_count) == 1


async def test_a_reply_is_kept_for_a_day(resources: Resources, asked: Ask, clock: HandClock) -> None:
    work = _Work(clock)
    await resources.database.write(replies.once, asked, work, now=clock.now())
    clock.advance(timedelta(hours=24) - timedelta(seconds=1))
    assert (await resources.database.write(replies.once, asked, work, now=clock.now())).is_replayed

    clock.advance(timedelta(seconds=1))

    assert await resources.database.read(replies.find, asked, now=clock.now()) is None
    assert not (
        await resources.database.write(replies.once, _other_body(asked), work, now=clock.now())
    ).is_replayed


async def test_old_replies_are_forgotten(resources: Resources, asked: Ask, clock: HandClock) -> None:
    await resources.database.write(replies.once, asked, _Work(clock), now=clock.now())
    assert await resources.database.write(replies.forget_old, now=clock.now()) == 0
    clock.advance(timedelta(hours=24))
    assert await resources.database.write(replies.forget_old, now=clock.now()) == 1


async def test_while_the_first_is_at_work_the_second_is_told_to_wait(
    resources: Resources, asked: Ask, clock: HandClock
) -> None:
    assert await resources.database.write(replies.reserve, asked, now=clock.now()) is None

    with pytest.raises(StillAtWork):
        await resources.database.write(replies.reserve, asked, now=clock.now())
    with pytest.raises(UsedForAnotherRequest):
        await resources.database.write(replies.reserve, _other_body(asked), now=clock.now())
    await resources.database.write(replies.finish, asked, Reply(202, "{}"))

    answer = await resources.database.write(replies.reserve, asked, now=clock.now())
    assert answer == Reply(202, "{}", is_replayed=True)


async def test_a_reservation_whose_holder_died_is_taken_over_once(
    resources: Resources, asked: Ask, clock: HandClock
) -> None:
    await resources.database.write(replies.reserve, asked, now=clock.now())
    clock.advance(timedelta(seconds=60))

    assert await resources.database.write(replies.reserve, asked, now=clock.now()) is None
    with pytest.raises(StillAtWork):
        await resources.database.write(replies.reserve, asked, now=clock.now())


async def test_a_released_reservation_may_be_tried_again_at_once(
    resources: Resources, asked: Ask, clock: HandClock
) -> None:
    await resources.database.write(replies.reserve, asked, now=clock.now())
    await resources.database.write(replies.release, asked)

    assert await resources.database.write(replies.reserve, asked, now=clock.now()) is None


async def test_two_keys_may_use_the_same_idempotency_key(
    resources: Resources, asked: Ask, clock: HandClock
) -> None:
    other, _ = await resources.database.write(keys.create, "Sports desk", ["write"], now=clock.now())
    theirs = replies.ask(other.id, asked.idempotency_key, method="POST", path="/y", body=b"")
    await resources.database.write(replies.once, asked, _Work(clock), now=clock.now())

    assert not (
        await resources.database.write(replies.once, theirs, _Work(clock), now=clock.now())
    ).is_replayed


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "caf\u00e9", "a\x01b"])
def test_an_idempotency_key_is_printable_and_not_too_long(name: str) -> None:
    with pytest.raises(IdempotencyKeyUnusable):
        replies.ask(1, name, method="POST", path="/x", body=b"")
