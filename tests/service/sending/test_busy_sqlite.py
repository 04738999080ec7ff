"""NB-28: SQLite under an edition, twenty visitors, and a program beside us that sits on the database for three seconds."""

import asyncio
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from service.dependencies import Resources
from service.subscribers.models import Subscriber
from tests.service.readers import steps
from tests.support import processes
from tests.support.application import app_of
from tests.support.outbox import office, open_outbox, relay_at, sending
from tests.support.processes import Process
from tests.support.relay import Relay

READERS = [f"reader{number}@example.org" for number in range(500)]
VISITORS = 20
LEAVE = 5  # readers of each visitor
SIGN_UPS = 10  # of each visitor: fewer than one network may
HOLD_SECONDS = 3
HOLD = f"""
import sqlite3, sys, time
held = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)
held.execute("BEGIN IMMEDIATE")
held.execute("UPDATE newsletter SET description = 'held'")
print("held", flush=True)
time.sleep({HOLD_SECONDS})
held.execute("COMMIT")
print("let go", flush=True)
"""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nb_28_a_busy_database_fails_no_visitor_and_loses_no_outcome(
    resources: Resources, relay: Relay, tmp_path: Path
) -> None:
    relay.delay = 0.05
    outbox = await open_outbox(resources, READERS)
    app = app_of(resources)
    path = str(sa.make_url(resources.settings.database).database)
    async with sending(office(resources, relay_at(relay.url), connections=10)):
        await relay.until(20)
        command = [sys.executable, "-c", HOLD, path]
        async with Process.started(
            command, folder=tmp_path, env=processes.environment(), name="holder"
        ) as holder:
            await holder.wait_for_line("^held")
            visits = [_visit(resources, _visitor(app, number), number) for number in range(VISITORS)]
            statuses = list(itertools.chain.from_iterable(await asyncio.gather(*visits)))
            await holder.wait_for_line("^let go")
        found = await outbox.until_ended(within=60)
    assert set(statuses) == {200}, statuses
    assert len(statuses) == VISITORS * (SIGN_UPS + LEAVE)
    assert found.accepted + found.skipped == found.audience == len(READERS)
    assert found.accepted == len(relay.received) == len({one.recipient for one in relay.received})
    assert len(await steps.rows(resources, Subscriber)) == len(READERS) + VISITORS * SIGN_UPS


async def _visit(resources: Resources, visitor: httpx2.AsyncClient, number: int) -> list[int]:
    """Sign-ups by turns with readers who leave, as fast as they are answered."""
    leaving: Iterator[str] = iter(READERS[-(number + 1) * LEAVE :])
    statuses = []
    async with visitor:
        for turn in range(SIGN_UPS):
            statuses.append((await steps.sign_up(visitor, f"new{number}-{turn}@example.net")).status_code)
            if turn < LEAVE:
                path = await steps.leave_path(resources, next(leaving))
                statuses.append((await visitor.post(path, data=steps.ONE_CLICK)).status_code)
    return statuses


def _visitor(app: FastAPI, number: int) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(
        app=app, raise_app_exceptions=False, client=(f"192.0.2.{number}", 50_000)
    )
    return httpx2.AsyncClient(transport=transport, base_url="https://news.example.org")
