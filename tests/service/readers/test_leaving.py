import asyncio
from datetime import timedelta

import httpx2
import pytest

from service.dependencies import Resources
from service.newsletters.models import Newsletter
from service.subscribers import links, register
from service.subscribers.models import ConsentEvent, ConsentKind, State
from service.subscribers.register import NewReader
from service.suppressions import register as suppressions
from service.suppressions.models import Reason, Suppression
from service.suppressions.register import Cause
from tests.service.readers import steps
from tests.service.readers.steps import ANNA, ONE_CLICK
from tests.support.clock import HandClock


async def test_b5_one_click_in_the_bytes_mail_programs_send(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.reader(resources, memo)
    answer = await client.post(
        await steps.leave_path(resources),
        content=b"List-Unsubscribe=One-Click",
        headers={"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "26"},
        follow_redirects=False,
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert not {"location", "set-cookie"} & set(answer.headers)
    held = await steps.subscription(resources)
    assert (held.state, held.ended_at) == (State.ENDED, resources.clock.now())
    event = (await steps.rows(resources, ConsentEvent))[-1]
    assert (event.kind, event.method) == (ConsentKind.UNSUBSCRIBED, "one-click")


async def test_b5_one_click_as_multipart_from_anywhere(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.reader(resources, memo)
    answer = await client.post(
        await steps.leave_path(resources),
        files={"List-Unsubscribe": (None, "One-Click")},
        headers={"Origin": "https://mail.example.net", "Sec-Fetch-Site": "cross-site"},
    )
    assert (answer.status_code, answer.text) == (200, "You are unsubscribed.\n")
    assert await steps.state(resources) is State.ENDED


async def test_b5_any_number_of_times_also_at_once(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.reader(resources, memo)
    path = await steps.leave_path(resources)
    answers = await asyncio.gather(*[client.post(path, data=ONE_CLICK) for _ in range(12)])
    before = await steps.everything_stored(resources)
    answers += [await client.post(path, data=ONE_CLICK) for _ in range(3)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, "You are unsubscribed.\n")}
    assert await steps.everything_stored(resources) == before
    assert (await steps.subscription(resources)).revision == 2


async def test_b6_looking_changes_nothing(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.reader(resources, memo)
    path = await steps.leave_path(resources)
    before = await steps.everything_stored(resources)
    page = await client.get(path)
    assert page.status_code == 200
    assert memo.name in page.text and "a***@example.org" in page.text and ANNA not in page.text
    assert page.text.count("<button") == 1 and "<script" not in page.text
    assert (await client.head(path)).status_code == 200
    await client.options(path)
    await client.get(path, params=ONE_CLICK)
    assert await steps.everything_stored(resources) == before


async def test_the_button_says_goodbye_and_offers_the_way_back(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.reader(resources, memo)
    path = await steps.leave_path(resources)
    done = await client.post(path)
    assert done.status_code == 200
    assert "You are unsubscribed" in done.text and 'href="/n/morning-memo"' in done.text
    assert await steps.state(resources) is State.ENDED
    again = await client.get(path)
    assert again.status_code == 200 and "<form" not in again.text


async def test_a_body_nobody_can_read_keeps_nobody_from_leaving(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.reader(resources, memo)
    answer = await client.post(
        await steps.leave_path(resources),
        content=b"no form at all",
        headers={"Content-Type": "multipart/form-data"},
    )
    assert answer.status_code == 200
    assert await steps.state(resources) is State.ENDED


@pytest.mark.parametrize("is_one_click", [True, False])
async def test_b5_an_unknown_token_is_no_oracle(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, is_one_click: bool
) -> None:
    await steps.reader(resources, memo)
    data = ONE_CLICK if is_one_click else {}
    before = await steps.everything_stored(resources)
    altered = await client.post(steps.altered(await steps.leave_path(resources)), data=data)
    invented = await client.post("/unsubscribe/" + "A" * 43, data=data)
    assert altered.status_code == invented.status_code == 404
    assert altered.text == invented.text
    assert await steps.everything_stored(resources) == before


async def test_the_link_of_a_test_message_says_that_it_was_one(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.reader(resources, memo)
    before = await steps.everything_stored(resources)
    for page in (await client.get("/unsubscribe/test"), await client.post("/unsubscribe/test")):
        assert page.status_code == 200
        assert "This was a test" in page.text and "<form" not in page.text
    clicked = await client.post("/unsubscribe/test", data=ONE_CLICK)
    assert (clicked.status_code, clicked.headers["content-type"][:10]) == (200, "text/plain")
    assert await steps.everything_stored(resources) == before


async def test_what_has_been_erased_has_ended(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    path = f"/unsubscribe/{links.unsubscribe_token(resources.keys, memo.uid)}"
    answer = await client.post(path, data=ONE_CLICK)
    assert (answer.status_code, answer.text) == (200, "You are unsubscribed.\n")
    assert (await client.get(path)).status_code == 200


async def test_leaving_one_newsletter_leaves_the_others(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    weekly = await steps.newsletter(resources, slug="weekly")
    await steps.reader(resources, memo)
    await steps.reader(resources, weekly)
    await client.post(await steps.leave_path(resources), data=ONE_CLICK)
    assert (await steps.subscription(resources, slug="weekly")).state is State.ACTIVE
    assert not await steps.rows(resources, Suppression)


async def test_c5_a_link_works_for_years(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, clock: HandClock
) -> None:
    await steps.reader(resources, memo)
    path = await steps.leave_path(resources)
    assert path == await steps.leave_path(resources), "the same bytes each time it is made"
    clock.advance(timedelta(days=800))
    assert (await client.post(path, data=ONE_CLICK)).status_code == 200
    assert await steps.state(resources) is State.ENDED


async def test_c11_a_provider_leaves_for_many_from_one_address(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    for number in range(60):
        held = await steps.reader(resources, memo, f"r{number}@example.org")
        token = links.unsubscribe_token(resources.keys, held.uid)
        assert (await client.post(f"/unsubscribe/{token}", data=ONE_CLICK)).status_code == 200


async def test_the_newsroom_cannot_bring_back_who_left(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.reader(resources, memo)
    await client.post(await steps.leave_path(resources), data=ONE_CLICK)
    with pytest.raises(register.ReaderHasLeft):
        await steps.reader(resources, memo, "Anna@Example.org")
    await resources.database.write(
        register.add,
        memo,
        NewReader(ANNA, state=State.PENDING),
        actor="test",
        pepper=resources.pepper,
        now=resources.clock.now(),
    )
    assert await steps.state(resources) is State.PENDING
    assert await steps.notice_count(resources) == 1


async def test_the_newsroom_cannot_add_a_suppressed_address(resources: Resources, memo: Newsletter) -> None:
    await resources.database.write(
        suppressions.suppress,
        "Anna@EXAMPLE.org",
        Cause(Reason.MANUAL, "desk"),
        pepper=resources.pepper,
        now=resources.clock.now(),
    )
    with pytest.raises(register.AddressSuppressed):
        await steps.reader(resources, memo)


async def test_readers_are_listed_in_pages(resources: Resources, memo: Newsletter) -> None:
    for number in range(5):
        await steps.reader(resources, memo, f"r{number}@example.org")
    first = await resources.database.read(register.page, memo, limit=3)
    rest = await resources.database.read(register.page, memo, after=first[-1][0].id, limit=3)
    assert [subscriber.address[:2] for _, subscriber in [*first, *rest]] == ["r0", "r1", "r2", "r3", "r4"]
