"""Processes that sign: what they answer is what would be signed here, whatever happens to them or to whoever asks."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import uvloop

from service.delivery import dkim, dkim_material, signers, signing_process
from service.delivery.dkim import SigningKey
from service.delivery.signers import Signers

ONE = SigningKey("news.example.org", "one", dkim_material.new_private_key())
TWO = SigningKey("news.example.org", "two", dkim_material.new_private_key())
DIGESTS = [hashlib.sha256(bytes([number])).digest() for number in range(20)]


def expected(key: SigningKey, digests: list[bytes]) -> list[bytes]:
    return [dkim.signature(key, digest) for digest in digests]


def processes() -> list[psutil.Process]:
    """Those of this test that sign."""
    own = Path(signing_process.__file__).name
    found = []
    for one in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it has just ended
            if one.status() != psutil.STATUS_ZOMBIE and any(own in word for word in one.cmdline()):
                found.append(one)
    return found


@pytest.fixture(autouse=True)
def is_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answer takes as long as an interpreter takes to start; after ten seconds threads would sign."""
    monkeypatch.setattr(signers, "ANSWER_SECONDS", 60.0)


@pytest.fixture
async def held() -> AsyncIterator[Signers]:
    made = Signers()
    yield made
    await made.closed()
    assert processes() == []


async def test_many_at_once_each_get_their_own(held: Signers) -> None:
    asked = [(key, DIGESTS[start:]) for start in range(10) for key in (ONE, TWO)]
    given = await asyncio.gather(*(held.sign(key, digests) for key, digests in asked))
    assert given == [expected(key, digests) for key, digests in asked]
    assert len(processes()) == signers.PROCESSES


async def test_who_goes_before_the_answer_takes_it_along(held: Signers) -> None:
    await held.sign(ONE, DIGESTS[:1])
    gone = [asyncio.create_task(held.sign(ONE, DIGESTS)) for _ in range(signers.PROCESSES)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    for _ in range(2 * signers.PROCESSES):
        assert await held.sign(TWO, DIGESTS[:3]) == expected(TWO, DIGESTS[:3])


async def test_a_killed_process_costs_no_signature(held: Signers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signers, "TRY_AGAIN_SECONDS", 0.0)
    await held.sign(ONE, DIGESTS[:1])
    before = processes()
    asked = [asyncio.create_task(held.sign(ONE, DIGESTS)) for _ in range(4)]
    await asyncio.sleep(0)
    for one in before:
        one.kill()
    assert await asyncio.gather(*asked) == [expected(ONE, DIGESTS)] * 4
    assert await held.sign(ONE, DIGESTS) == expected(ONE, DIGESTS)
    after = {one.pid for one in processes()}
    assert after and after.isdisjoint(one.pid for one in before)


def test_on_the_loop_of_the_service_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvloop says RuntimeError of a pipe that has just closed."""
    monkeypatch.setattr(signers, "TRY_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(signers, "PROCESSES", 2)

    async def killed_again_and_again() -> None:
        held, loop, kills = Signers(), asyncio.get_running_loop(), 0
        ends = loop.time() + 1.5
        while kills <= 3 or loop.time() < ends:  # a busy machine takes a second to start one anew
            given = await asyncio.gather(*(held.sign(ONE, DIGESTS[:2]) for _ in range(8)))
            assert given == [wanted] * 8
            for one in processes()[:1]:
                one.kill()
                kills += 1
        await held.closed()

    wanted = expected(ONE, DIGESTS[:2])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(killed_again_and_again(), 60))


def test_a_loop_may_end_right_after_they_are_closed() -> None:
    """Where one is still on its way out, uvloop ends with `Device or resource busy`."""

    async def one_signature() -> None:
        held = Signers()
        await held.sign(ONE, DIGESTS[:1])
        await held.closed()
        assert processes() == []

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(one_signature(), 60))


async def test_a_process_that_hangs_is_not_waited_for(held: Signers, monkeypatch: pytest.MonkeyPatch) -> None:
    await held.sign(ONE, DIGESTS[:1])
    monkeypatch.setattr(signers, "ANSWER_SECONDS", 0.3)
    for one in processes():
        one.suspend()
    assert await held.sign(ONE, DIGESTS[:2]) == expected(ONE, DIGESTS[:2])
    async with asyncio.timeout(20):
        while processes():
            await asyncio.sleep(0.01)
    assert await held.sign(ONE, DIGESTS[:2]) == expected(ONE, DIGESTS[:2])
    assert processes() == [], "what cannot work is not started again and again"


async def test_where_none_can_be_started_it_is_done_here(
    held: Signers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert await held.sign(ONE, DIGESTS) == expected(ONE, DIGESTS)
    assert processes() == []


async def test_they_end_when_nobody_asks_any_more(held: Signers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signers, "IDLE_SECONDS", 0.2)
    await held.sign(ONE, DIGESTS[:1])
    async with asyncio.timeout(20):
        while processes():
            await asyncio.sleep(0.02)
    assert await held.sign(ONE, DIGESTS) == expected(ONE, DIGESTS)


async def test_they_are_told_no_secret_but_the_key(held: Signers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMO_SECRET_KEY", "nobody else's")
    await held.sign(ONE, DIGESTS[:1])
    for one in processes():
        assert set(one.environ()) <= {"PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LC_CTYPE"}
        assert len(one.cmdline()) == 4
