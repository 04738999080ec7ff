"""A reader's own page: what it shows to whom, and that only its buttons act."""

import re

import httpx2
import pytest
from sqlmodel import Session, select

from service.dependencies import Resources
from service.events.models import Event
from service.newsletters.models import Newsletter
from service.newsletters.web import Web
from service.subscribers import links
from service.subscribers.models import ConsentEvent, ConsentKind, State, Subscriber
from service.suppressions import register as suppressions
from service.suppressions.models import Reason
from service.suppressions.register import Cause
from tests.service.readers import steps
from tests.service.readers.steps import ANNA

ON_ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def _path(resources: Resources, slug: str = "morning-memo") -> str:
    held = await steps.subscription(resources, ANNA, slug)
    return f"/preferences/{links.preferences_token(resources.keys, held.uid)}"


async def _name(resources: Resources) -> str | None:
    (person,) = await steps.rows(resources, Subscriber)
    return person.first_name


async def _events(resources: Resources) -> list[str]:
    def read(session: Session) -> list[str]:
        return list(session.exec(select(Event.name).where(Event.actor == "reader")))

    return await resources.database.read(read)


def _form(
    *chosen: str, shown: tuple[str, ...] = ("morning-memo", "weekly"), name: str = ""
) -> dict[str, object]:
    return {"first_name": name, "shown": list(shown), "newsletter": list(chosen)}


@pytest.fixture
async def weekly(resources: Resources) -> Newsletter:
    return await steps.newsletter(resources, slug="weekly", name="The Week")


async def test_looking_changes_nothing_and_shows_what_they_get_and_why(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, weekly: Newsletter
) -> None:
    await steps.newsletter(resources, slug="staff", name="Staff Memo", web=Web.PRIVATE)
    await steps.newsletter(resources, slug="closed", name="Closed Memo", is_open=False)
    await steps.reader(resources, memo, first_name="Anna")
    path = await _path(resources)
    before = await steps.everything_stored(resources)
    page = await client.get(path)
    assert page.status_code == 200
    assert (await client.head(path)).status_code == 200
    assert "a***@example.org" in page.text and ANNA not in page.text
    assert 'value="Anna"' in page.text
    assert "the newsroom put you on its list on Monday, March 2, 2026" in page.text
    assert "The Week" in page.text
    assert "Staff Memo" not in page.text and "Closed Memo" not in page.text
    assert page.text.count(" checked") == 1
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.headers["x-robots-tag"] and "<script" not in page.text
    assert await steps.everything_stored(resources) == before


async def test_a_reader_changes_name_and_newsletters_at_once(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, weekly: Newsletter
) -> None:
    await steps.reader(resources, memo)
    path = await _path(resources)
    null = {
        "Origin": "null",
        "Sec-Fetch-Site": "cross-site",
    }  # it sends no referrer, and older browsers say so
    saved = await client.post(path, data=_form("weekly", name=" Änne "), headers=null)
    assert saved.status_code == 200 and "Your changes are saved" in saved.text
    assert await _name(resources) == "Änne"
    assert await steps.state(resources) is State.ENDED
    joined = await steps.subscription(resources, slug="weekly")
    assert (joined.state, joined.confirmed_at) == (State.ACTIVE, resources.clock.now())
    left, chosen = (await steps.rows(resources, ConsentEvent))[-2:]
    assert (left.kind, left.method) == (ConsentKind.UNSUBSCRIBED, "preferences page")
    assert (chosen.kind, chosen.method) == (ConsentKind.CONFIRMED, "preferences page")
    assert chosen.wording == weekly.consent_wording and chosen.page and chosen.client
    assert await _events(resources) == ["subscriber.changed", "subscription.ended", "subscription.confirmed"]
    assert "you chose it on this page on Monday, March 2, 2026" in saved.text
    assert await steps.notice_count(resources) == 0
    before = await steps.everything_stored(resources)
    await client.post(path, data=_form("weekly", name="Änne"))
    assert await steps.everything_stored(resources) == before


async def test_who_has_left_is_asked_by_mail_first(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, weekly: Newsletter
) -> None:
    await steps.reader(resources, memo)
    path = await _path(resources)
    left = await client.post(path, data={"leave": "all"})
    assert "You get no newsletter of ours any more" in left.text
    assert await steps.state(resources) is State.ENDED
    back = await client.post(path, data=_form("weekly"))
    assert "We have sent you a message" in back.text
    assert (await steps.subscription(resources, slug="weekly")).state is State.PENDING
    assert await steps.notice_count(resources) == 1


@ON_ONE
async def test_who_is_not_mailed_is_told_why_and_joins_nothing_at_once(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, weekly: Newsletter
) -> None:
    await steps.reader(resources, memo)
    await resources.database.write(
        suppressions.suppress,
        ANNA,
        Cause(Reason.BOUNCE, "test"),
        pepper=resources.pepper,
        now=resources.clock.now(),
    )
    page = await client.post(await _path(resources), data=_form("morning-memo", "weekly"))
    assert "Nothing is sent to this address at the moment" in page.text
    with pytest.raises(Exception, match="No row"):
        await steps.subscription(resources, slug="weekly")
    assert await steps.notice_count(resources) == 0


@ON_ONE
async def test_what_was_chosen_stays_chosen_when_the_name_is_refused(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, weekly: Newsletter
) -> None:
    await steps.reader(resources, memo)
    answer = await client.post(await _path(resources), data=_form("weekly", name="x" * 100))
    assert answer.status_code == 422
    assert re.findall(r'value="([\w-]+)" checked', answer.text) == ["weekly"]
    assert re.findall(r'id="(\w+)"[^>]*autofocus', answer.text) == ["first_name"]
    assert "<title>Please check your entry" in answer.text
    assert await steps.state(resources) is State.ACTIVE


@ON_ONE
@pytest.mark.parametrize("name", ["a\nb", "x" * 100])
async def test_a_name_that_cannot_be_is_said_beside_its_field(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, name: str
) -> None:
    await steps.reader(resources, memo, first_name="Anna")
    answer = await client.post(await _path(resources), data=_form(shown=("morning-memo",), name=name))
    assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text
    assert await _name(resources) == "Anna"
    assert await steps.state(resources) is State.ACTIVE


@ON_ONE
async def test_what_was_not_on_the_form_stays_and_what_is_not_offered_cannot_be_chosen(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter, weekly: Newsletter
) -> None:
    staff = await steps.newsletter(resources, slug="staff", name="Staff Memo", web=Web.PRIVATE)
    await steps.reader(resources, memo)
    await steps.reader(resources, weekly)
    form = _form("staff", "nothing", shown=("staff", "nothing", "weekly"))
    page = await client.post(await _path(resources), data=form)
    assert page.status_code == 200 and staff.name not in page.text
    assert await steps.state(resources) is State.ACTIVE
    assert (await steps.subscription(resources, slug="weekly")).state is State.ENDED


@ON_ONE
async def test_a_link_of_another_purpose_or_of_a_test_shows_nobody(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.reader(resources, memo)
    leaving = (await steps.leave_path(resources)).rpartition("/")[2]
    before = await steps.everything_stored(resources)
    for token in (leaving, "A" * 43, steps.altered(await _path(resources)).rpartition("/")[2]):
        for answer in (
            await client.get(f"/preferences/{token}"),
            await client.post(f"/preferences/{token}", data={"leave": "all"}),
        ):
            assert answer.status_code == 404 and "example.org" not in answer.text
    tested = await client.post("/preferences/test", data={"leave": "all"})
    assert tested.status_code == 200 and "This was a test" in tested.text
    gone = links.preferences_token(resources.keys, memo.uid)
    assert "You are not subscribed" in (await client.get(f"/preferences/{gone}")).text
    assert await steps.everything_stored(resources) == before
