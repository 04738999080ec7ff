"""A link for the newsroom: it opens a draft to whoever has it, for some hours, and changes nothing."""

import re
from datetime import timedelta

import httpx2
import pytest
from sqlmodel import Session, select

from service.dependencies import Resources
from service.editions import sharing
from service.editions.models import Edition, Share
from service.subscribers import links
from tests.service.desk import steps
from tests.service.readers.steps import altered, everything_stored
from tests.support.clock import HandClock


async def _made(ada: httpx2.AsyncClient, draft: Edition, **form: str) -> str:
    """The path of a new link."""
    answer = await ada.post(f"/desk/editions/{draft.uid}/shares", data=form)
    assert answer.status_code == 303, answer.text
    page = await ada.get(f"/desk/editions/{draft.uid}/preview")
    found = re.search(r'value="https://news\.example\.org(/shared/[\w-]+)"', page.text)
    assert found is not None
    return found.group(1)


async def _uid(resources: Resources) -> str:
    def read(session: Session) -> str:
        return str(session.exec(select(Share.uid)).one())

    return await resources.database.read(read)


async def test_a_draft_is_shown_without_signing_in_and_nothing_is_noted(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = await _made(ada, draft)
    ada.cookies.clear()
    before = await everything_stored(resources)
    page = await ada.get(path)
    assert page.status_code == 200
    assert "The ferry stays" in page.text and "draft" in page.text and 'sandbox=""' in page.text
    assert "Wed 04 Mar, 06:30" in page.text  # 48 hours later in Berlin
    assert "noindex" in page.headers["x-robots-tag"] and 'content="noindex, nofollow"' in page.text
    assert page.headers["cache-control"] == "no-store" and page.headers["referrer-policy"] == "no-referrer"
    frame = await ada.get(f"{path}/message.html?look=dark")
    assert frame.headers["content-security-policy"].startswith("sandbox;")
    assert "The ferry stays" in frame.text and "@media (min-width:0)" in frame.text
    text = await ada.get(f"{path}?look=text")
    assert "<iframe" not in text.text and "/unsubscribe/test" in text.text
    for shown in (page, frame, text):
        assert not [one for one in (*steps.READERS, steps.ADDRESS) if one.lower() in shown.text.lower()]
    assert (await ada.head(path)).status_code == 200
    assert await everything_stored(resources) == before
    assert ("edition.shared", "Ada Okafor") in await steps.events(resources, draft.uid)


async def test_it_ends_by_itself_or_by_a_button(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition, clock: HandClock
) -> None:
    path = await _made(ada, draft, hours="1")
    clock.advance(timedelta(minutes=59))
    assert (await ada.get(path)).status_code == 200
    clock.advance(timedelta(minutes=1))
    for gone in (await ada.get(path), await ada.get(f"{path}/message.html")):
        assert gone.status_code == 410
        assert "This link is over" in gone.text and "ferry" not in gone.text
    await resources.database.write(sharing.forget_old, now=clock.now() + timedelta(days=29))
    assert "/shared/" not in (await ada.get(f"/desk/editions/{draft.uid}/preview")).text
    await resources.database.write(sharing.forget_old, now=clock.now() + timedelta(days=31))

    again = await _made(ada, draft)
    other = f"/desk/editions/01890000-0000-7000-8000-000000000000/shares/{await _uid(resources)}/withdraw"
    assert (await ada.post(other)).status_code == 404
    withdraw = f"/desk/editions/{draft.uid}/shares/{await _uid(resources)}/withdraw"
    assert (await ada.get(withdraw)).status_code == 405
    assert (await ada.post(withdraw)).status_code == 303
    assert (await ada.get(again)).status_code == 410
    assert ("edition.share_withdrawn", "Ada Okafor") in await steps.events(resources, draft.uid)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_is_no_link_of_ours_opens_nothing(
    ada: httpx2.AsyncClient, client: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = await _made(ada, draft)
    of_a_reader = links.unsubscribe_token(resources.keys, draft.uid)
    for wrong in (altered(path), f"/shared/{of_a_reader}", f"/shared/{draft.uid}"):
        answer = await ada.get(wrong)
        assert answer.status_code == 404 and "ferry" not in answer.text
    assert (await ada.get(f"{path}?look=smell")).status_code == 422
    for hours in ("0", "337"):
        refused = await ada.post(f"/desk/editions/{draft.uid}/shares", data={"hours": hours})
        assert refused.status_code == 422 and "1 to 336 hours" in refused.text
    for _ in range(sharing.MOST_AT_ONCE - 1):
        await ada.post(f"/desk/editions/{draft.uid}/shares")
    assert (await ada.post(f"/desk/editions/{draft.uid}/shares")).status_code == 409
    client.cookies.clear()
    assert (await client.post(f"/desk/editions/{draft.uid}/shares")).status_code == 303  # to sign in
