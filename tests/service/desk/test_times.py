"""Times at the desk: on the newsroom's own wall, with the zone beside them or over them, and in UTC for programs."""

import re
from datetime import UTC, datetime

import httpx2
import pytest
from sqlmodel import Session, select

from service.bounces import keeping
from service.bounces.findings import Kind
from service.bounces.inbox import InboxReader
from service.bounces.keeping import Brought
from service.bounces.models import Bounce
from service.dependencies import Resources
from service.newsletters.models import Newsletter
from tests.service.bounces.steps import desk_of, means_of
from tests.service.desk.shown import elements, parsed, words
from tests.support.returned_mail import letter

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LATE = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
ZONE = "Europe/Berlin"


def there(session: Session) -> None:
    newsletter = session.exec(select(Newsletter)).one()
    newsletter.time_zone = ZONE
    bounce = session.exec(select(Bounce)).one()
    bounce.at = LATE
    session.add_all([newsletter, bounce])


@pytest.fixture
async def bounced(ada: httpx2.AsyncClient, resources: Resources) -> httpx2.AsyncClient:
    """One address is dead since half past eleven in the evening, which at the newsroom is the next day."""
    desk = await desk_of(resources, ["mara@example.org"])
    await desk.tell(Kind.PERMANENT, await desk.named("mara@example.org"), rule="no-such-mailbox", text="550")
    await resources.database.write(there)
    await resources.database.write(keeping.keep, Brought("pipe", letter("desk@example.org")), now=LATE)
    await InboxReader(resources.database, resources.clock, means_of(resources)).look()
    return ada


async def test_what_came_back_is_told_in_the_newsrooms_zone(bounced: httpx2.AsyncClient) -> None:
    answer = await bounced.get("/desk/bounces")
    page = answer.text
    assert f"When ({ZONE})" in page
    assert '<time datetime="2026-03-01T23:30:00+00:00">02 Mar 00:30:00</time>' in page
    days = elements(parsed(answer), "//table[.//th[starts-with(., 'Day')]]//th[@scope='row']")
    assert [words(one) for one in days] == ["Mon 02 Mar"]
    for path in re.findall(r'href="(/desk/bounces/[0-9a-f-]{36}|/desk/bounces/mail/[0-9a-f-]{36})"', page):
        assert "Mon 02 Mar 2026, 00:30:00 CET" in (await bounced.get(path)).text, path


async def test_no_page_of_the_desk_tells_a_time_in_utc(bounced: httpx2.AsyncClient) -> None:
    paths = ["", "/bounces", "/suppressions", "/workers", "/relays", "/dkim", "/doctor", "/recovery"]
    for path in paths:
        shown = parsed(await bounced.get(f"/desk{path}"))
        for moment in elements(shown, "//time"):
            assert "UTC" not in words(moment), path
            assert re.fullmatch(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d\+00:00)?", str(moment.get("datetime")))
