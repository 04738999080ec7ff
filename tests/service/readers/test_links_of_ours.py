"""Where our own addresses lead, and what they tell of a reader."""

import re
from datetime import date

import httpx2
import pytest
from fastapi.routing import APIRoute
from sqlmodel import Session

from service.dependencies import Resources
from service.editions import composition, content
from service.editions.composition import Slot
from service.editions.models import Edition, State
from service.newsletters.models import Newsletter
from service.rendering import body, personal
from service.rendering.blocks import Document, Lead, Note
from service.rendering.content import EditionContent
from service.rendering.personal import MessageFacts
from service.settings import shipped
from tests.service.readers import steps
from tests.support.application import app_of
from tests.unit.rendering import reading, samples

OURS = "https://news.example.org"
ELSEWHERE = (
    "https://evil.example.net",
    "//evil.example.net",
    "/\\evil.example.net",
    "https:evil.example.net",
    "javascript:alert(1)",
    "/x\r\nLocation: https://evil.example.net",
)
ASKED_BY = ("url", "next", "to", "link", "target", "r", "return", "page", "redirect")


def _addresses(resources: Resources) -> set[str]:
    """Every address of the application that can be looked at, with something foreign wherever it takes a value."""
    routes = [one for one in app_of(resources).routes if isinstance(one, APIRoute)]
    templates = {route.path for route in routes if "GET" in (route.methods or ())}
    return {re.sub(r"\{[^}]*\}", "evil.example.net", path) for path in templates}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nb_22_nobody_is_sent_where_the_request_says(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    """Clicks are not counted, so no link of ours leads through us; and no other address of ours is a way out."""
    addresses = _addresses(resources)
    assert len(addresses) > 40
    asked = [
        (path, dict.fromkeys(ASKED_BY, ELSEWHERE[number % len(ELSEWHERE)]))
        for number, path in enumerate(sorted(addresses))
    ]
    asked += [("/desk", dict.fromkeys(ASKED_BY, one)) for one in ELSEWHERE]
    asked += [
        (path, {}) for path in ("//evil.example.net/", "/n//evil.example.net/", "/c?url=//evil.example.net")
    ]
    sent_on = 0
    for path, values in asked:
        answer = await client.get(path, params=values)
        where = answer.headers.get("location")
        if where is None:
            continue
        sent_on += 1
        assert where.startswith((f"{OURS}/", "/desk")) and "\n" not in where, (path, where)
        assert not where.startswith("//"), (path, where)
    assert sent_on > 5


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nb_38_what_annas_message_calls_view_online_knows_nothing_of_anna(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.reader(resources, memo, first_name="Annabella")
    edition = await resources.database.write(_sent, memo, resources)
    found = await resources.database.read(_content, edition)
    token = (await steps.leave_path(resources)).rpartition("/")[2]
    anna = samples.PERSONAL._replace(
        address=steps.ANNA,
        greeting_name="Annabella",
        fields={"first_name": "Annabella"},
        unsubscribe_url=f"{OURS}/unsubscribe/{token}",
    )
    facts = MessageFacts("<1.7.0f3a@news.example.org>", resources.clock.now())
    got = reading.parsed(personal.splice(body.render(found, shipped("templates")), facts, anna))
    assert "Annabella" in got.html and token in got.html
    (online,) = {str(one.get("href")) for one in reading.elements(got.html, "//a[.='View online']")}
    page = await client.get(online.removeprefix(OURS))
    archive = await client.get("/n/morning-memo/archive")
    feed = await client.get("/n/morning-memo/feed.xml")
    for answer in (page, archive, feed):
        assert answer.status_code == 200
        seen = answer.text + str(answer.headers)
        for own in ("Annabella", steps.ANNA, token, "/unsubscribe/", "0f3a"):
            assert own not in seen, own
        assert "set-cookie" not in answer.headers
    assert "Good morning, everybody" in page.text
    for number in range(1, 4):
        for path in (f"/n/morning-memo/{number}", f"/n/{number}", f"/editions/{number}", f"/e/{number}"):
            assert (await client.get(path)).status_code == 404, path


def _sent(session: Session, newsletter: Newsletter, resources: Resources) -> Edition:
    document = Document(
        subject="Bread for {{first_name|everybody}}",
        blocks=[
            Note(text_markdown="Good morning, {{first_name|everybody}}"),
            Lead(
                headline="The bakery stays", body_markdown="At six.", url="https://newsroom.example.org/bread"
            ),
        ],
    )
    now = resources.clock.now()
    place = Slot(date(2026, 3, 2), 1)
    made = composition.start(session, newsletter, now=now, actor="test", local_date=place, document=document)
    made.state, made.started_at = State.SENT, now
    session.add(made)
    session.flush()
    return made


def _content(session: Session, edition: Edition) -> EditionContent:
    return content.of(session, edition, base_url=OURS)
