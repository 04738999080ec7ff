"""Who may read editions on the web, and the feed of those that everybody may."""

import quopri
from datetime import date, timedelta
from typing import Any

import httpx2
from lxml import etree
from sqlmodel import Session

from service.dependencies import Resources
from service.editions import composition, content
from service.editions.composition import Slot
from service.editions.models import Edition, State
from service.newsletters import publication, web
from service.newsletters.models import Newsletter
from service.newsletters.web import Web
from service.rendering import body
from service.rendering.blocks import Document, Item, Lead, Picture
from service.settings import shipped
from tests.service.readers import steps

MONDAY = date(2026, 3, 2)
PAGE = "/n/morning-memo/2026-03-02"
FEED = "/n/morning-memo/feed.xml"
ATOM = "{http://www.w3.org/2005/Atom}"


def _document(subject: str = "Bread for {{first_name|everybody}}") -> Document:
    picture = Picture(url="https://news.example.org/bread.jpg", alt="A loaf")
    return Document(
        subject=subject,
        preheader="Good morning, {{first_name|reader}}: bread",
        blocks=[
            Lead(headline="The bakery stays", body_markdown="Dear {{first_name|reader}}", picture=picture),
            Item(headline="Ferry", body_markdown="At nine & ten."),
        ],
    )


async def _edition(
    resources: Resources, of: Newsletter, *, day: int = 2, state: State = State.SENT
) -> Edition:
    def make(session: Session) -> Edition:
        now = resources.clock.now()
        place = Slot(date(2026, 3, day), 1)
        made = composition.start(session, of, now=now, actor="test", local_date=place, document=_document())
        made.state = state
        made.started_at = None if state in {State.DRAFT, State.SCHEDULED} else now
        session.add(made)
        session.flush()
        return made

    return await resources.database.write(make)


async def _choose(resources: Resources, chosen: Web) -> Newsletter:
    def change(session: Session) -> Newsletter:
        row = publication.get(session, "morning-memo")
        wanted = publication.details_of(row).model_copy(update={"web": chosen})
        return publication.change(session, row, wanted, now=resources.clock.now(), actor="test")

    return await resources.database.write(change)


async def _mail(resources: Resources, edition: Edition) -> tuple[str | None, str, str]:
    """The address of its page, and what stands in the mail as HTML and as text."""

    def read(session: Session) -> Any:
        return content.of(session, edition, base_url="https://news.example.org")

    found = await resources.database.read(read)
    made = body.render(found, shipped("templates"))
    plain, html = (
        quopri.decodestring(b"".join(piece for piece in part.pieces if isinstance(piece, bytes))).decode()
        for part in made.parts
    )
    return found.web_url, html, plain


def _entries(answer: httpx2.Response) -> list[etree._Element]:
    return etree.fromstring(answer.content).findall(f"{ATOM}entry")


async def test_a_page_says_what_it_is_to_programs(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await _edition(resources, memo)
    page = (await client.get(PAGE)).text
    for line in (
        '<link rel="canonical" href="https://news.example.org/n/morning-memo/2026-03-02">',
        '<meta property="og:title" content="Bread for everybody">',
        '<meta name="description" content="Good morning, reader: bread">',
        '<meta property="og:image" content="https://news.example.org/bread.jpg">',
        'type="application/atom+xml" title="Morning Memo" href="/n/morning-memo/feed.xml"',
    ):
        assert line in page
    assert "noindex" not in page and "<script" not in page
    assert 'href="/n/morning-memo/feed.xml"' in (await client.get("/n/morning-memo/archive")).text


async def test_nb_38_the_feed_holds_what_is_out_and_no_reader(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.reader(resources, memo, first_name="Anna")
    first = await _edition(resources, memo)
    for day, state in ((3, State.DRAFT), (4, State.SCHEDULED), (5, State.CANCELLED)):
        await _edition(resources, memo, day=day, state=state)
    answer = await client.get(FEED)
    assert answer.headers["content-type"].startswith("application/atom+xml")
    (entry,) = _entries(answer)
    assert entry.findtext(f"{ATOM}id") == first.uid.urn
    assert entry.findtext(f"{ATOM}title") == "Bread for everybody"
    assert entry.findtext(f"{ATOM}summary") == "Good morning, reader: bread"
    link = entry.find(f"{ATOM}link")
    assert link is not None and link.get("href") == f"https://news.example.org{PAGE}"
    assert "The bakery stays" in (entry.findtext(f"{ATOM}content") or "")
    for personal in ("Anna", "unsubscribe", "{{", "zq0000"):
        assert personal not in answer.text
    assert (await client.head(FEED)).status_code == 200


async def test_a_feed_that_is_known_is_not_sent_again(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await _edition(resources, memo)
    first = await client.get(FEED)
    tag, changed = first.headers["etag"], first.headers["last-modified"]
    for known in ({"If-None-Match": f'"x", {tag}'}, {"If-Modified-Since": changed}):
        again = await client.get(FEED, headers=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    for other in ({"If-None-Match": '"x"', "If-Modified-Since": changed}, {"If-Modified-Since": "noon"}):
        assert (await client.get(FEED, headers=other)).status_code == 200
    await _edition(resources, memo, day=3)
    newer = await client.get(FEED, headers={"If-None-Match": tag})
    assert newer.status_code == 200
    assert len(_entries(newer)) == 2


async def test_mail_only_has_no_page_and_no_link_to_one(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    edition = await _edition(resources, memo)
    address, html, plain = await _mail(resources, edition)
    assert address is not None and address in html and address in plain
    await _choose(resources, Web.MAIL_ONLY)
    for path in (PAGE, "/n/morning-memo/archive", FEED, f"{PAGE}/{'0' * 32}"):
        answer = await client.get(path)
        assert (answer.status_code, "sent by mail" in answer.text) == (404, True), path
    front = await client.get("/n/morning-memo")
    assert front.status_code == 200
    assert "archive" not in front.text and "feed.xml" not in front.text and "2026-03-02" not in front.text
    address, html, plain = await _mail(resources, edition)
    assert address is None
    for part in (html, plain):
        assert "/n/morning-memo/2026" not in part and "None" not in part and "online" not in part.lower()


async def test_nb_38_private_pages_have_an_address_that_only_the_mail_knows(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    edition = await _edition(resources, memo)
    draft = await _edition(resources, memo, day=3, state=State.DRAFT)
    await _choose(resources, Web.PRIVATE)
    address, html, plain = await _mail(resources, edition)
    assert address is not None and address in html and address in plain
    path = address.removeprefix("https://news.example.org")
    page = await client.get(path)
    assert page.status_code == 200 and "The bakery stays" in page.text
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("no-referrer", "no-store")
    assert path not in page.text and "archive" not in page.text and "feed.xml" not in page.text
    unsent = (await _mail(resources, draft))[0] or ""
    mark = path.rpartition("/")[2]
    closed = (PAGE, "/n/morning-memo/archive", FEED, path[:-1], f"/n/morning-memo/2026-03-03/{mark}")
    for other in (*closed, f"{PAGE}/é", unsent.removeprefix("https://news.example.org")):
        assert (await client.get(other)).status_code == 404, other
    await _choose(resources, Web.PUBLIC)
    assert (await client.get(path)).status_code == 200
    again = await _choose(resources, Web.PRIVATE)
    assert web.address(again, MONDAY, 1, base_url="https://news.example.org") == address


async def test_a_text_mended_after_the_start_is_an_update(
    client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await _edition(resources, memo)

    def earlier(session: Session) -> None:
        row = session.get(Edition, 1)
        assert row is not None and row.started_at is not None
        row.started_at -= timedelta(hours=1)
        session.add(row)

    await resources.database.write(earlier)
    (entry,) = _entries(await client.get(FEED))
    assert (entry.findtext(f"{ATOM}updated") or "") > (entry.findtext(f"{ATOM}published") or "~")
