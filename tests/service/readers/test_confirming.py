import asyncio
from datetime import timedelta

import httpx2

from service.dependencies import Resources
from service.newsletters.models import Newsletter
from service.subscribers import links
from service.subscribers.models import ConsentEvent, ConsentKind, State
from tests.service.readers import steps
from tests.service.readers.steps import ANNA
from tests.support.clock import HandClock


async def test_nb_04_looking_at_the_link_confirms_nothing(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.sign_up(client)
    path = await steps.confirm_path(resources)
    before = await steps.everything_stored(resources)
    page = await client.get(path)
    assert page.status_code == 200
    assert page.text.count("<button") == 1 and page.text.count("<form") == 1 and "<script" not in page.text
    assert memo.name in page.text and memo.consent_wording in page.text
    assert ANNA not in page.text and "a***@example.org" in page.text
    assert (await client.head(path)).status_code == 200
    await client.options(path)
    assert await steps.everything_stored(resources) == before
    assert await steps.state(resources) is State.PENDING


async def test_nb_04_one_press_confirms_and_leaves_its_proof(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, clock: HandClock
) -> None:
    await steps.sign_up(client)
    clock.advance(timedelta(hours=71))
    done = await client.post(await steps.confirm_path(resources, issued=clock.now() - timedelta(hours=71)))
    assert done.status_code == 200 and "You are in" in done.text
    held = await steps.subscription(resources)
    assert (held.state, held.confirmed_at, held.confirmed_revision) == (State.ACTIVE, clock.now(), 1)
    event = (await steps.rows(resources, ConsentEvent))[-1]
    assert (event.kind, event.at) == (ConsentKind.CONFIRMED, clock.now())
    assert event.method and len(event.client) == 64 and event.wording == memo.consent_wording


async def test_nb_38_personal_pages_are_kept_and_named_nowhere(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    sent = await steps.sign_up(client)
    paths = [
        await steps.confirm_path(resources),
        await steps.leave_path(resources),
        "/confirm/x",
        "/unsubscribe/x",
    ]
    answers = [
        sent,
        *[await client.get(path) for path in paths],
        *[await client.post(path) for path in paths],
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert "set-cookie" not in answer.headers


async def test_a_browser_that_only_says_origin_null_may_confirm(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    """What browsers without Sec-Fetch-Site send from a page with no-referrer."""
    await steps.sign_up(client)
    done = await client.post(await steps.confirm_path(resources), headers={"Origin": "null"})
    assert done.status_code == 200
    assert await steps.state(resources) is State.ACTIVE


async def test_nb_56_confirming_twice_is_friendly(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.sign_up(client)
    path = await steps.confirm_path(resources)
    await client.post(path)
    before = await steps.everything_stored(resources)
    for answer in (await client.get(path), await client.post(path)):
        assert answer.status_code == 200 and "You are in" in answer.text
    assert await steps.everything_stored(resources) == before


async def test_nb_56_two_presses_at_once_confirm_once(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.sign_up(client)
    path = await steps.confirm_path(resources)
    answers = await asyncio.gather(*[client.post(path) for _ in range(8)])
    assert {answer.status_code for answer in answers} == {200}
    kinds = [event.kind for event in await steps.rows(resources, ConsentEvent)]
    assert kinds.count(ConsentKind.CONFIRMED) == 1
    assert (await steps.subscription(resources)).revision == 2


async def test_nb_56_an_expired_link_offers_a_new_one(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, clock: HandClock
) -> None:
    await steps.sign_up(client)
    path = await steps.confirm_path(resources)
    clock.advance(timedelta(hours=72, seconds=1))
    before = await steps.everything_stored(resources)
    for answer in (await client.get(path), await client.post(path)):
        assert answer.status_code == 410
        assert 'href="/n/morning-memo"' in answer.text and "<form" not in answer.text
    assert await steps.everything_stored(resources) == before
    await steps.sign_up(client)
    assert await steps.notice_count(resources) == 2
    await client.post(await steps.confirm_path(resources))
    assert await steps.state(resources) is State.ACTIVE


async def test_nb_56_a_second_message_leaves_the_first_link_working(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, clock: HandClock
) -> None:
    await steps.sign_up(client)
    first = await steps.confirm_path(resources)
    clock.advance(timedelta(minutes=15))
    await steps.sign_up(client)
    assert await steps.notice_count(resources) == 2
    assert (await client.post(first)).status_code == 200
    assert await steps.state(resources) is State.ACTIVE


async def test_nb_56_an_old_link_brings_nobody_back(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.sign_up(client)
    old = await steps.confirm_path(resources)
    await client.post(old)
    await client.post(await steps.leave_path(resources), data=steps.ONE_CLICK)
    before = await steps.everything_stored(resources)
    assert (await client.get(old)).status_code == 410
    assert (await client.post(old)).status_code == 410
    assert await steps.everything_stored(resources) == before
    await steps.sign_up(client)  # at once: what they confirmed before was wanted, so nobody has to wait
    assert await steps.notice_count(resources) == 2
    assert (await client.post(old)).status_code == 410
    assert await steps.state(resources) is State.PENDING
    await client.post(await steps.confirm_path(resources))
    assert await steps.state(resources) is State.ACTIVE


async def test_nb_56_leaving_before_confirming_ends_the_link(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.sign_up(client)
    link = await steps.confirm_path(resources)
    await client.post(await steps.leave_path(resources), data=steps.ONE_CLICK)
    assert (await client.post(link)).status_code == 410
    assert await steps.state(resources) is State.ENDED


async def test_nb_56_altered_and_borrowed_tokens_change_nothing(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.sign_up(client)
    confirm, leave = await steps.confirm_path(resources), await steps.leave_path(resources)
    borrowed = ["/confirm/" + leave.rpartition("/")[2], "/unsubscribe/" + confirm.rpartition("/")[2]]
    before = await steps.everything_stored(resources)
    for path in (steps.altered(confirm), steps.altered(leave), *borrowed, "/confirm/%00", "/unsubscribe/ü"):
        for answer in (await client.get(path), await client.post(path)):
            assert answer.status_code == 404, path
            assert "<h1>" in answer.text
    assert await steps.everything_stored(resources) == before


async def test_nb_56_a_token_acts_on_its_own_newsletter_alone(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    weekly = await steps.newsletter(resources, slug="weekly", name="Harbor Weekly")
    await steps.reader(resources, weekly)
    await steps.sign_up(client)
    page = await client.get(await steps.leave_path(resources, slug="weekly"))
    assert "Harbor Weekly" in page.text
    await client.post(await steps.leave_path(resources, slug="weekly"), data=steps.ONE_CLICK)
    assert (await steps.subscription(resources, slug="weekly")).state is State.ENDED
    assert (await steps.subscription(resources)).state is State.PENDING


async def test_a_signed_token_for_nobody_is_unknown(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    token = links.confirm_token(resources.keys, memo.uid, 1, resources.clock.now())
    assert (await client.get(f"/confirm/{token}")).status_code == 404
    assert (await client.post(f"/confirm/{token}")).status_code == 404
