"""NB-10: the form tells nobody who is subscribed, and fills nobody's mailbox."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from sqlalchemy import event
from sqlmodel import Session

from service.dependencies import Resources
from service.jobs import Kind
from service.newsletters.models import Newsletter
from service.subscribers import cooldowns
from service.subscribers.models import ConsentEvent, Cooldown, State, Subscriber
from service.suppressions import register as suppressions
from service.suppressions.models import Reason, Suppression
from service.suppressions.register import Cause
from tests.service.readers import steps
from tests.service.readers.steps import ANNA
from tests.support.application import app_of
from tests.support.clock import HandClock

STATES = ["unknown", "pending", "active", "ended", "bounced", "complained"]


async def _suppress(resources: Resources, address: str, reason: Reason) -> None:
    await resources.database.write(
        suppressions.suppress,
        address,
        Cause(reason, "test"),
        pepper=resources.pepper,
        now=resources.clock.now(),
    )


async def _prepare(resources: Resources, memo: Newsletter, client: httpx2.AsyncClient, state: str) -> str:
    address = f"{state}@example.org"
    if state == "pending":
        await steps.sign_up(client, address)
    if state in {"active", "ended"}:
        await steps.reader(resources, memo, address)
    if state == "ended":
        await client.post(await steps.leave_path(resources, address), data=steps.ONE_CLICK)
    if state in {"bounced", "complained"}:
        await _suppress(resources, address, Reason.BOUNCE if state == "bounced" else Reason.COMPLAINT)
    return address


@pytest.fixture
def app(resources: Resources) -> FastAPI:
    return app_of(resources)


def _visitor(app: FastAPI, host: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False, client=(host, 50_000))
    return httpx2.AsyncClient(transport=transport, base_url="https://news.example.org")


async def test_nb_10_every_address_gets_the_same_answer(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    answers = []
    for state in STATES:
        address = await _prepare(resources, memo, client, state)
        answer = await steps.sign_up(client, address)
        body = answer.text.replace(address, "ADDRESS")
        answers.append((answer.status_code, sorted(answer.headers.items()), len(address), body))
    plain = [
        (status, [(n, v) for n, v in headers if n != "content-length"], body)
        for status, headers, _, body in answers
    ]
    assert all(one == plain[0] for one in plain)
    assert plain[0][0] == 200 and "ADDRESS" in plain[0][2]
    lengths = {int(dict(headers)["content-length"]) - size for _, headers, size, _ in answers}
    assert len(lengths) == 1


async def test_nb_10_no_state_takes_longer_than_another(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, clock: HandClock
) -> None:
    """The quickest of twelve fresh cool-downs, or of more where the machine is busy: what it does beside it only ever adds, and what is
    not done alike is slower however often it is measured. What is done differs by a row or two, far below what a network adds.
    """
    addresses = [await _prepare(resources, memo, client, state) for state in STATES if state != "unknown"]
    spent: dict[str, list[float]] = {address: [] for address in [*addresses, "unknown"]}
    alike = 0  # so many times in a row: the quick ones go on having good turns, too
    for turn in range(60):
        alike = alike + 1 if turn >= 12 and _spread(spent) < 0.02 else 0
        if alike == 3:
            break
        clock.advance(timedelta(days=1))
        for address, times in spent.items():
            typed = f"unknown{turn}@example.org" if address == "unknown" else address
            began = time.perf_counter()
            assert (await steps.sign_up(client, typed)).status_code == 200
            times.append(time.perf_counter() - began)
    assert _spread(spent) < 0.02, {address: min(measured) for address, measured in spent.items()}


def _spread(spent: dict[str, list[float]]) -> float:
    quickest = [min(measured) for measured in spent.values()]
    return max(quickest) - min(quickest)


async def test_nb_10_fifty_at_once_make_one_notice(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    spellings = [ANNA, "Anna@Example.org", "anna+1@example.org", f"{ANNA} ", "ANNA+news@example.org"]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                client.post(
                    "/n/morning-memo",
                    data={"email": spellings[number % len(spellings)]},
                    headers={"X-Forwarded-For": f"203.0.113.{number}"},
                )
            )
            for number in range(50)
        ]
    statuses = [task.result().status_code for task in tasks]
    assert await steps.notice_count(resources) == 1
    assert len(await steps.rows(resources, Subscriber)) == 1
    assert len(await steps.rows(resources, ConsentEvent)) == 1
    # Forwarded headers of strangers count for nothing: all fifty come from one client.
    assert statuses.count(200) == cooldowns.CLIENT_COUNT_PER_HOUR
    assert statuses.count(429) == 50 - cooldowns.CLIENT_COUNT_PER_HOUR


async def test_nb_10_fifty_clients_at_once_make_one_notice(
    app: FastAPI, resources: Resources, memo: Newsletter
) -> None:
    visitors = [_visitor(app, f"203.0.113.{number}") for number in range(50)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(steps.sign_up(visitor)) for visitor in visitors]
    assert {task.result().status_code for task in tasks} == {200}
    assert await steps.notice_count(resources) == 1
    for visitor in visitors:
        await visitor.aclose()


async def test_nb_10_a_mailbox_gets_four_a_day(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, clock: HandClock
) -> None:
    for _ in range(30):
        assert (await steps.sign_up(client)).status_code == 200
        clock.advance(timedelta(minutes=14))
    assert await steps.notice_count(resources) == cooldowns.MAILBOX_COUNT_PER_DAY
    clock.advance(timedelta(days=1))
    await steps.sign_up(client)
    assert await steps.notice_count(resources) == cooldowns.MAILBOX_COUNT_PER_DAY + 1


async def test_nb_10_the_hour_has_a_limit_over_all(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, clock: HandClock
) -> None:
    def nearly_full(session: Session) -> None:
        now = clock.now()
        count = cooldowns.OVERALL_COUNT_PER_HOUR - 1
        session.add(Cooldown(key="overall", window_at=now, last_at=now, count=count))

    await resources.database.write(nearly_full)
    assert (await steps.sign_up(client, "a@example.org")).status_code == 200
    full = await steps.sign_up(client, "b@example.org")
    assert full.status_code == 429
    assert full.headers["retry-after"] == "3600"
    assert 'value="b@example.org"' in full.text
    clock.advance(timedelta(hours=1))
    assert (await steps.sign_up(client, "b@example.org")).status_code == 200
    assert await steps.notice_count(resources) == 2


async def test_what_all_sign_ups_share_is_held_for_the_commit_alone(
    client: httpx2.AsyncClient, memo: Newsletter
) -> None:
    """Held from the beginning it made hundreds at one moment wait for each other's whole work, and some gave up with a 500."""
    said: list[tuple[str, str]] = []

    def noted(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        said.append((statement, str(values)))

    event.listen(sa.Engine, "before_cursor_execute", noted)
    try:
        assert (await steps.sign_up(client)).status_code == 200
    finally:
        event.remove(sa.Engine, "before_cursor_execute", noted)
    writes = [one for one in said if one[0].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert len(writes) > 4
    assert ["overall" in values for _, values in writes] == [False] * (len(writes) - 1) + [True]


async def test_a_flood_of_sign_ups_leaves_connections_for_everybody_else(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    """Fifty that waited for one mailbox took every connection, and the slowest of them ended with a 500."""
    taken = 0
    while not resources.sign_ups.locked():
        await resources.sign_ups.acquire()
        taken += 1
    assert 1 < taken <= 6, "of twelve connections"
    waiting = asyncio.create_task(steps.sign_up(client))
    await asyncio.sleep(0.3)
    assert await steps.rows(resources, Subscriber) == []
    resources.sign_ups.release()
    assert (await waiting).status_code == 200


async def test_a_household_with_ipv6_is_one_client(app: FastAPI, memo: Newsletter) -> None:
    statuses = []
    for number in range(cooldowns.CLIENT_COUNT_PER_HOUR + 1):
        async with _visitor(app, f"2001:db8:1:2::{number:x}") as visitor:
            statuses.append((await steps.sign_up(visitor, f"r{number}@example.org")).status_code)
    assert statuses == [200] * cooldowns.CLIENT_COUNT_PER_HOUR + [429]
    async with _visitor(app, "2001:db8:1:3::1") as neighbour:
        assert (await steps.sign_up(neighbour, "neighbour@example.org")).status_code == 200


async def test_nb_10_a_filled_trap_stores_nothing(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    before = await steps.everything_stored(resources)
    answer = await steps.sign_up(client, website="https://spam.example.net")
    assert await steps.everything_stored(resources) == before
    honest = await steps.sign_up(client)
    assert await steps.notice_count(resources) == 1
    assert (answer.status_code, answer.text) == (honest.status_code, honest.text)


@pytest.mark.parametrize(
    ("reason", "is_asked"),
    [(Reason.REQUEST, True), (Reason.COMPLAINT, True), (Reason.BOUNCE, False), (Reason.MANUAL, False)],
)
async def test_a_suppressed_person_is_asked_only_about_their_own_decision(
    client: httpx2.AsyncClient,
    resources: Resources,
    memo: Newsletter,
    clock: HandClock,
    reason: Reason,
    is_asked: bool,
) -> None:
    await _suppress(resources, ANNA, reason)
    for _ in range(29):
        await steps.sign_up(client)
        clock.advance(timedelta(days=1))
    assert await steps.notice_count(resources) == int(is_asked)
    clock.advance(timedelta(days=1))
    await steps.sign_up(client)
    assert await steps.notice_count(resources) == 2 * int(is_asked)
    if not is_asked:
        return
    await client.post(await steps.confirm_path(resources))
    assert await steps.state(resources) is State.ACTIVE
    [entry] = await steps.rows(resources, Suppression)
    assert entry.lifted_at == clock.now()


async def test_suppressing_at_once_from_many_sides_leaves_one_entry(resources: Resources) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(_suppress(resources, "Anna@example.org", Reason.BOUNCE))
    assert len(await steps.rows(resources, Suppression)) == 1


async def test_a_lost_messenger_loses_no_request(
    app: FastAPI, resources: Resources, memo: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is what counts; here the queue's own connection is gone."""

    async def broken(kind: Kind, key: str) -> None:
        raise OSError("connection lost")

    monkeypatch.setattr(resources.jobs, "nudge", broken)
    async with _visitor(app, "203.0.113.1") as visitor:
        assert (await steps.sign_up(visitor)).status_code == 200
    assert await steps.notice_count(resources) == 1


async def test_old_cooldowns_are_swept(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, clock: HandClock
) -> None:
    await steps.sign_up(client)
    assert await resources.database.write(cooldowns.sweep, now=clock.now()) == 0
    clock.advance(timedelta(days=1))
    assert await resources.database.write(cooldowns.sweep, now=clock.now()) == 3
