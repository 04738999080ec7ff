"""Following a feed: real fetches from a server on loopback, the polls stored on both databases."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from sqlmodel import Session, select

from service.articles import polling, queries, reading
from service.articles.models import Article, Feed
from service.dependencies import Resources
from service.errors import Conflict, Invalid
from service.fetching import Fetcher, FetchFailed
from service.ledger.models import Notice
from service.newsletters import publication
from service.settings import Settings
from tests.support import publishing
from tests.support.clock import HandClock
from tests.support.newsroom import Newsroom

NOW = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
XML = "application/rss+xml; charset=utf-8"
SAMPLE = Path(__file__).resolve().parents[3] / "examples" / "newsroom"


@pytest.fixture
def chosen(chosen: Settings, newsroom: Newsroom) -> Settings:
    return chosen.model_copy(update={"fetch_allow": [f"127.0.0.1:{newsroom.port}"]})


def item(number: int, *, guid: str = "", title: str = "", minutes: int = 0) -> str:
    date = format_datetime(NOW - timedelta(days=1, minutes=number + minutes))
    return (
        f"<item><title>{title or f'Story {number}'}</title><link>http://blog.example.org/p/{number}</link>"
        f"<guid isPermaLink='false'>{guid or f'http://blog.example.org/p/{number}'}</guid><pubDate>{date}</pubDate>"
        f"<description>What there is to know about {number}.</description></item>"
    )


def feed_of(*items: str) -> str:
    return f"<?xml version='1.0'?><rss version='2.0'><channel><title>The Blog</title>{''.join(items)}</channel></rss>"


async def follow(resources: Resources, url: str) -> Feed:
    def start(session: Session) -> Feed:
        memo = publishing.newsletter(session, NOW, alarm_address="desk@ledger.example.org")
        return polling.add_feed(session, memo, url, now=resources.clock.now(), actor="test")

    return await resources.database.write(start)


async def poll(resources: Resources, clock: HandClock, *, after: timedelta = timedelta(hours=25)) -> None:
    clock.advance(after)
    await polling.poll_due(resources.database, resources.fetcher, clock)


async def state_of(resources: Resources, feed: Feed) -> Feed:
    return await resources.database.read(queries.feed, feed.uid)


async def stored(resources: Resources, feed: Feed) -> list[Article]:
    return await resources.database.read(queries.page, feed.newsletter_id)


async def test_the_sample_newsroom_is_read_page_by_page(
    resources: Resources, clock: HandClock, newsroom: Newsroom
) -> None:
    newsroom.serve_folder(SAMPLE, {"http://newsroom.example.org": newsroom.url})
    feed = await follow(resources, f"{newsroom.url}/feed.xml")
    clock.set(datetime(2026, 11, 25, 5, 30, tzinfo=UTC))
    await polling.poll_due(resources.database, resources.fetcher, clock)
    found = {article.headline: article for article in await stored(resources, feed)}
    assert len(found) == len(list((SAMPLE / "articles").glob("*.html")))
    report = found["Port authority kept paying the lobbyists it said it had let go"]
    assert [one["outlet"] for one in report.key_graphs] == ["Capital Wire"]
    assert (report.comment_count, report.section, report.byline) == (31, "Politics", "Ines Calloway")
    assert report.body_markdown.startswith("When the Port Linden Port Authority")
    memo = next(article for article in found.values() if article.documents)
    assert memo.picture is not None
    assert sum(bool(article.late_updates) for article in found.values()) == 2
    known = await state_of(resources, feed)
    assert (known.title, known.problem) == ("The Harbor Ledger", None)
    await poll(resources, clock)
    assert len(await stored(resources, feed)) == len(found)


async def test_nb_11_a_feed_that_renames_its_items_brings_nothing_new(
    resources: Resources, clock: HandClock, newsroom: Newsroom
) -> None:
    numbers = range(10)
    url = newsroom.serve("/feed", feed_of(*map(item, numbers)), content_type=XML)
    feed = await follow(resources, url)
    await poll(resources, clock, after=timedelta(0))
    assert len(await stored(resources, feed)) == 10
    for guid in ("https://blog.example.org/p/{}/", "6b1f-{}-random"):
        newsroom.serve("/feed", feed_of(*(item(n, guid=guid.format(n)) for n in numbers)), content_type=XML)
        await poll(resources, clock)
        assert len(await stored(resources, feed)) == 10
    newsroom.serve("/feed", feed_of(*(item(n, guid=f"other-{n}") for n in range(11))), content_type=XML)
    await poll(resources, clock)
    assert (await stored(resources, feed))[0].headline == "Story 10"
    assert len(await stored(resources, feed)) == 11


async def test_nb_11_a_flood_stops_and_asks_the_desk(
    resources: Resources, clock: HandClock, newsroom: Newsroom
) -> None:
    url = newsroom.serve("/feed", feed_of(*map(item, range(6))), content_type=XML, headers={"ETag": '"1"'})
    feed = await follow(resources, url)
    await poll(resources, clock, after=timedelta(0))
    moved = feed_of(*(item(n + 100) for n in range(6)))
    newsroom.serve("/feed", moved, content_type=XML, headers={"ETag": '"2"'})
    await poll(resources, clock)
    await poll(resources, clock)
    assert len(await stored(resources, feed)) == 6
    assert (await state_of(resources, feed)).problem == polling.FLOOD
    assert newsroom.last("/feed").headers.get("if-none-match") is None

    def accept(session: Session) -> None:
        polling.accept_as_known(session, queries.feed(session, feed.uid), now=clock.now(), actor="desk")

    await resources.database.write(accept)
    await poll(resources, clock, after=timedelta(0))
    assert len(await stored(resources, feed)) == 12
    assert (await state_of(resources, feed)).problem is None


async def test_nb_23_a_changed_item_updates_its_article_and_is_not_new(
    resources: Resources, clock: HandClock, newsroom: Newsroom
) -> None:
    url = newsroom.serve("/feed", feed_of(item(1), item(2)), content_type=XML)
    feed = await follow(resources, url)
    await poll(resources, clock, after=timedelta(0))
    (before,) = [one for one in await stored(resources, feed) if one.headline == "Story 1"]
    newsroom.serve(
        "/feed", feed_of(item(1, title="Story 1, corrected", minutes=5), item(2)), content_type=XML
    )
    await poll(resources, clock)
    found = await stored(resources, feed)
    assert len(found) == 2
    (after,) = [one for one in found if one.uid == before.uid]
    assert (after.headline, after.first_seen_at) == ("Story 1, corrected", before.first_seen_at)


async def test_nb_25_no_change_a_move_and_a_wait_are_kept(
    resources: Resources, clock: HandClock, newsroom: Newsroom
) -> None:
    headers = {"ETag": 'W/"x"', "Last-Modified": "Sun, 01 Mar 2026 05:00:00 GMT"}
    newsroom.serve("/new", feed_of(item(1)), content_type=XML, headers=headers)
    feed = await follow(resources, newsroom.redirect("/old", f"{newsroom.url}/new", status=301))
    await poll(resources, clock, after=timedelta(0))
    assert (await state_of(resources, feed)).url == f"{newsroom.url}/new"
    newsroom.serve("/new", b"", status=304)
    await poll(resources, clock)
    asked = newsroom.last("/new").headers
    assert (asked["if-none-match"], asked["if-modified-since"]) == (headers["ETag"], headers["Last-Modified"])
    assert len(await stored(resources, feed)) == 1
    newsroom.serve("/new", b"", status=429, headers={"Retry-After": "7200"})
    await poll(resources, clock)
    known = await state_of(resources, feed)
    assert known.next_poll_at == clock.now() + timedelta(hours=2)
    assert known.problem is not None and "429" in known.problem
    assert newsroom.count("/old") == 1


@pytest.mark.parametrize(
    ("body", "kind", "match"),
    [
        ("<!doctype html><title>Sign in</title>", "text/html", "RSS or Atom"),
        ("", XML, "nothing"),
        (feed_of(item(1))[:300], XML, "breaks off"),
        ('{"error": "x"}', "application/json", "RSS or Atom"),
    ],
)
async def test_nb_37_a_feed_that_is_none_shows_a_problem_and_after_some_polls_rings(
    resources: Resources, clock: HandClock, newsroom: Newsroom, body: str, kind: str, match: str
) -> None:
    feed = await follow(resources, newsroom.serve("/feed", body, content_type=kind))
    await poll(resources, clock, after=timedelta(0))
    known = await state_of(resources, feed)
    assert known.problem is not None and match in known.problem
    assert known.failures == 1
    await poll(resources, clock)
    await poll(resources, clock)
    await poll(resources, clock)
    assert await resources.database.read(_alarm_count) == 1
    newsroom.serve("/feed", feed_of(item(1)), content_type=XML)
    await poll(resources, clock)
    known = await state_of(resources, feed)
    assert (known.problem, known.failures) == (None, 0)
    assert len(await stored(resources, feed)) == 1


def _alarm_count(session: Session) -> int:
    return len(session.exec(select(Notice).where(Notice.kind == "alarm")).all())


async def test_nb_47_an_undated_item_keeps_the_time_it_was_first_seen(
    resources: Resources, clock: HandClock, newsroom: Newsroom
) -> None:
    undated = (
        "<item><title>Some day</title><link>http://blog.example.org/p/1</link><pubDate>soon</pubDate></item>"
    )
    feed = await follow(resources, newsroom.serve("/feed", feed_of(undated), content_type=XML))
    await poll(resources, clock, after=timedelta(0))
    await poll(resources, clock)
    (found,) = await stored(resources, feed)
    assert (found.published_at, found.date_was_readable) == (NOW, False)


async def test_the_same_poll_recorded_twice_changes_nothing(resources: Resources, newsroom: Newsroom) -> None:
    feed = await follow(resources, newsroom.serve("/feed", feed_of(item(1), item(2)), content_type=XML))
    facts = await resources.database.write(polling.take, NOW)
    assert facts is not None
    outcome = await reading.read_feed(resources.fetcher, facts, NOW)
    assert len(await resources.database.write(polling.record, facts, outcome, NOW)) == 2
    assert await resources.database.write(polling.record, facts, outcome, NOW) == []
    assert len(await stored(resources, feed)) == 2


async def test_one_page_named_canonical_by_all_makes_no_one_article_of_them(
    resources: Resources, clock: HandClock, newsroom: Newsroom
) -> None:
    page = (SAMPLE / "articles" / "ferry-bond-recount.html").read_text()
    links = []
    for number in (1, 2):
        own = page.replace(
            "http://newsroom.example.org/articles/ferry-bond-recount.html", f"{newsroom.url}/all"
        )
        links.append(newsroom.serve(f"/p/{number}", own))
    items = [f"<item><title>Story {n}</title><link>{url}</link></item>" for n, url in enumerate(links)]
    feed = await follow(resources, newsroom.serve("/feed", feed_of(*items), content_type=XML))
    await poll(resources, clock, after=timedelta(0))
    assert {article.url for article in await stored(resources, feed)} == set(links)


async def test_bad_feed_addresses_are_refused(resources: Resources) -> None:
    with pytest.raises(Invalid, match="https://"):
        await follow(resources, "ftp://blog.example.org/feed")

    def twice(session: Session) -> None:
        memo = publishing.newsletter(session, NOW)
        polling.add_feed(session, memo, "https://blog.example.org/feed", now=NOW, actor="test")
        polling.add_feed(
            session, publication.get(session, memo.slug), "http://blog.example.org/feed/", now=NOW, actor="x"
        )

    with pytest.raises(Conflict, match="already"):
        await resources.database.write(twice)


async def test_a_page_that_is_no_article_says_what_to_do(newsroom: Newsroom) -> None:
    newsroom.serve_folder(SAMPLE)
    async with Fetcher(allow=[f"127.0.0.1:{newsroom.port}"]) as fetcher:
        with pytest.raises(Invalid, match="list of articles"):
            await reading.read_page(fetcher, f"{newsroom.url}/section/city.html")
        draft = await reading.read_page(fetcher, f"{newsroom.url}/articles/night-bakery.html")
        assert draft.headline
        assert draft.picture is not None
    async with Fetcher() as fetcher:
        with pytest.raises(FetchFailed, match="MEMO_FETCH_ALLOW"):
            await reading.read_page(fetcher, f"{newsroom.url}/articles/night-bakery.html")
