"""Which items of a followed feed are new."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from service.articles import feed
from service.articles.feed import FeedItem

NOW = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
HERE = "https://blog.example.org/feed"


def item(number: int) -> FeedItem:
    url = f"http://blog.example.org/p/{number}"
    moment = NOW - timedelta(hours=number)
    return FeedItem(url, url, f"Story {number}", "Text", "Ann Orr", moment, True, "City")


def names(*items: FeedItem) -> set[str]:
    return {name for one in items for name in feed.identities(one)}


KNOWN = [item(number) for number in range(10)]


def test_identities_fit_their_column_and_come_strongest_first() -> None:
    found = feed.identities(item(1))
    assert [name.partition(":")[0] for name in found] == ["guid", "link", "title"]
    assert all(len(name) <= 80 for name in found)


def test_nothing_is_new_in_what_is_known() -> None:
    decision = feed.decide(names(*KNOWN), KNOWN)
    assert (decision.new, decision.changed, decision.suspicious) == ((), (), False)


def test_nb_11_items_that_are_renamed_are_not_new() -> None:
    moved = [replace(one, guid=f"https://blog.example.org/p/{number}/") for number, one in enumerate(KNOWN)]
    random = [replace(one, guid=str(UUID(int=number))) for number, one in enumerate(KNOWN)]
    relinked = [
        replace(one, link=f"https://new.example.org/{number}", guid=None) for number, one in enumerate(KNOWN)
    ]
    for renamed in (moved, random, relinked):
        decision = feed.decide(names(*KNOWN), renamed)
        assert decision.new == ()
        assert decision.changed == tuple(renamed)
        assert not decision.suspicious


def test_nb_11_the_one_that_is_new_is_found_among_the_renamed() -> None:
    random = [replace(one, guid=str(UUID(int=number))) for number, one in enumerate(KNOWN)]
    assert feed.decide(names(*KNOWN), [*random, item(99)]).new == (item(99),)


def test_nb_11_a_followed_feed_that_is_mostly_new_is_suspicious() -> None:
    strange = [item(number) for number in range(100, 110)]
    assert feed.decide(names(*KNOWN), strange).suspicious
    assert feed.decide(names(*KNOWN), [*KNOWN[:4], *strange[:5]]).suspicious
    assert not feed.decide(names(*KNOWN), [*KNOWN, *strange]).suspicious
    assert not feed.decide(set(), strange).suspicious
    assert not feed.decide(names(*KNOWN), strange[:1]).suspicious


def test_nb_23_a_changed_item_under_a_known_guid_is_not_new() -> None:
    corrected = replace(item(1), title="Story 1, corrected", published_at=NOW)
    decision = feed.decide(names(item(1)), [corrected])
    assert (decision.new, decision.changed) == ((), (corrected,))


@pytest.mark.parametrize("link", ["http://blog.example.org/p/5", None])
def test_nb_23_items_without_a_guid_are_told_apart(link: str | None) -> None:
    bare = [replace(item(n), guid=None, link=link and f"{link}{n}") for n in range(5)]
    assert feed.decide(set(), bare).new == tuple(bare)
    assert feed.decide(names(*bare[:4]), bare).new == (bare[4],)


def test_nb_23_items_with_title_and_text_only() -> None:
    one, two = (FeedItem(None, None, title, "Text", "", None, False, "") for title in ("One", "Two"))
    assert feed.decide(names(one), [one, two]).new == (two,)


def parse(*items: str) -> tuple[FeedItem, ...]:
    source = f'<rss version="2.0"><channel><title>Blog</title>{"".join(items)}</channel></rss>'
    return feed.parse(source.encode(), HERE, content_type=None, now=NOW).items


def test_nb_23_one_guid_with_two_links_is_two_items_at_every_poll() -> None:
    first = "<item><guid isPermaLink='false'>g</guid><link>/a</link><title>A</title></item>"
    second = "<item><guid isPermaLink='false'>g</guid><link>/b</link><title>B</title></item>"
    earlier = parse(first)
    both = parse(first, second)
    assert [one.title for one in feed.decide(set(), both).new] == ["A", "B"]
    assert [one.title for one in feed.decide(names(*earlier), both).new] == ["B"]
    assert feed.decide(names(*both), both).new == ()


def test_nb_23_one_item_listed_twice_is_one() -> None:
    once = "<item><guid isPermaLink='false'>g</guid><link>/a</link><title>A</title></item>"
    assert len(feed.decide(set(), parse(once, once)).new) == 1


def test_nb_23_guids_that_differ_in_blanks_are_one_and_in_case_two() -> None:
    upper, lower, blank = (
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{title}</title></item>"
        for guid, title in (("urn:x:A", "One"), ("urn:x:a", "Two"), (" urn:x:a\n", "Two"))
    )
    assert len(feed.decide(set(), parse(upper, lower)).new) == 2
    assert feed.decide(names(*parse(lower)), parse(blank)).new == ()


def test_a_title_that_returns_every_day_is_new_every_day() -> None:
    today = FeedItem("g2", "https://blog.example.org/2", "Morning briefing", "", "", NOW, True, "")
    yesterday = replace(
        today, guid="g1", link="https://blog.example.org/1", published_at=NOW - timedelta(days=1)
    )
    undated = [replace(one, published_at=None, date_was_readable=False) for one in (yesterday, today)]
    assert feed.decide(names(yesterday), [today, yesterday]).new == (today,)
    assert feed.decide(names(undated[0]), undated).new == (undated[1],)
