"""A feed's bytes to items."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.articles import feed
from service.articles.feed import NotAFeed, ParsedFeed
from service.errors import Invalid

NOW = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
HERE = "https://paper.example.org/feeds/all.xml"
DATED = "<pubDate>Tue, 24 Nov 2026 10:00:00 GMT</pubDate>"


def rss(items: str, opening: str = '<?xml version="1.0" encoding="utf-8"?>') -> str:
    return f'{opening}<rss version="2.0"><channel><title>The Paper</title>{items}</channel></rss>'


def atom(entries: str) -> str:
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>The Paper</title>{entries}</feed>'


def read(source: str | bytes, content_type: str | None = "application/rss+xml") -> ParsedFeed:
    body = source.encode() if isinstance(source, str) else source
    return feed.parse(body, HERE, content_type=content_type, now=NOW)


def test_an_rss_item_comes_whole() -> None:
    parsed = read(
        rss(
            f"""<item><guid isPermaLink="false"> 42 </guid><link>/a?x=1</link><title>Harbor &amp;amp; &lt;b&gt;vote&lt;/b&gt;</title>
            {DATED}<author>ann@example.org (Ann Orr)</author><category>City</category>
            <description>&lt;p&gt;The &lt;b&gt;deck&lt;/b&gt; &lt;a href="/b"&gt;here&lt;/a&gt; &lt;img src="i.png" alt="Quay"&gt;
            &lt;img src="https://t.example.net/p" width="1"&gt;&lt;script&gt;x()&lt;/script&gt;&lt;/p&gt;</description></item>"""
        )
    )
    (item,) = parsed.items
    assert parsed.title == "The Paper"
    assert (item.guid, item.link, item.title) == ("42", "https://paper.example.org/a?x=1", "Harbor & vote")
    assert (item.author, item.section) == ("Ann Orr", "City")
    assert (item.published_at, item.date_was_readable) == (datetime(2026, 11, 24, 10, tzinfo=UTC), True)
    assert item.summary_markdown == (
        "The **deck** [here](https://paper.example.org/b) ![Quay](https://paper.example.org/i.png)"
    )


def test_an_atom_entry_with_updated_only_and_its_own_base() -> None:
    (item,) = read(
        atom(
            """<entry xml:base="https://blog.example.org/p/"><id>urn:uuid:1225c695</id><link href="one"/><title>One</title>
            <updated>2026-11-24T16:05:00-05:00</updated><content type="html">&lt;p&gt;Text&lt;/p&gt;</content></entry>"""
        ),
        "application/atom+xml",
    ).items
    assert (item.guid, item.link) == ("urn:uuid:1225c695", "https://blog.example.org/p/one")
    assert item.published_at == datetime(2026, 11, 24, 21, 5, tzinfo=UTC)
    assert item.summary_markdown == "Text"


def test_nb_23_a_guid_is_a_link_only_if_it_is_one() -> None:
    first, second, third = read(
        rss(
            "<item><guid>https://paper.example.org/a</guid><title>A</title></item>"
            "<item><guid>story-7</guid><title>B</title></item>"
            '<item><guid isPermaLink="false">https://paper.example.org/c</guid><title>C</title></item>'
        )
    ).items
    assert (first.link, second.link, third.link) == ("https://paper.example.org/a", None, None)


@pytest.mark.parametrize(
    "date",
    ["", "<pubDate>31 Feb 2026 10:00 GMT</pubDate>", "<pubDate>Mon, 01 Jan 1513 00:00:00 GMT</pubDate>",
     "<pubDate>2031-01-01T00:00:00Z</pubDate>", "<pubDate>soon</pubDate>"],
)  # fmt: skip
def test_nb_47_an_item_without_a_readable_date_is_marked_and_the_same_at_each_poll(date: str) -> None:
    source = rss(f"<item><guid>1</guid><title>A</title>{date}</item>")
    (item,) = read(source).items
    assert (item.published_at, item.date_was_readable) == (None, False)
    (again,) = feed.parse(
        source.encode(), HERE, content_type=None, now=datetime(2026, 11, 26, tzinfo=UTC)
    ).items
    assert feed.identities(again) == feed.identities(item)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("", "nothing"),
        ("  \n", "nothing"),
        ("<!doctype html><html><body><form>Sign in</form></body></html>", "web page"),
        ("<?xml version='1.0'?>\n<!-- x --><html xmlns='http://www.w3.org/1999/xhtml'/>", "web page"),
        ('{"error": "no such feed"}', "JSON"),
        ("[]", "JSON"),
        (rss("<item><title>A</title></item>")[:-40], "breaks off"),
        ("<opml><body/></opml>", "no feed"),
        ("plain words", "no feed"),
    ],
)
def test_nb_37_what_is_no_feed_says_so(source: str, reason: str) -> None:
    with pytest.raises(NotAFeed) as caught:
        read(source)
    assert isinstance(caught.value, Invalid)
    assert reason in caught.value.message


def test_nb_37_a_feed_without_items_is_a_feed_and_blank_items_are_dropped_and_counted() -> None:
    assert read(rss("")).items == ()
    parsed = read(
        rss(
            "<item><guid>1</guid></item><item><title> </title><description> </description></item><item><title>A</title></item>"
        )
    )
    assert ([item.title for item in parsed.items], parsed.blank_items) == (["A"], 2)


def test_nb_23_an_item_without_title_takes_the_beginning_of_its_text() -> None:
    (item,) = read(rss(f"<item><description>{'Some *words* ' * 20}</description></item>")).items
    assert item.title.startswith("Some words Some")
    assert len(item.title) <= 81
    assert item.title.endswith("…")


CAFE = rss("<item><title>Café “Zoë”</title><description>naïve</description></item>", "")


@pytest.mark.parametrize(
    ("body", "content_type", "replaced"),
    [
        (CAFE.encode().replace(b"<rss", b"<!--\xff--><rss"), "application/rss+xml; charset=utf-8", 1),
        (CAFE.encode(), "text/xml; charset=iso-8859-1", 0),
        (b'<?xml version="1.0" encoding="utf-8"?>' + CAFE.encode(), "text/xml; charset=iso-8859-1", 0),
        (b'<?xml version="1.0" encoding="utf-8"?>' + CAFE.encode("cp1252"), "application/xml", 0),
        (CAFE.encode("utf-16"), None, 0),
        (CAFE.encode().replace(b"na", b"n\x01a"), None, 0),
        (b"\xef\xbb\xbf\n " + CAFE.encode(), None, 0),
    ],
)
def test_nb_59_a_badly_declared_feed_is_read_and_replacements_are_counted(
    body: bytes, content_type: str | None, replaced: int
) -> None:
    parsed = read(body, content_type)
    assert [(item.title, item.summary_markdown) for item in parsed.items] == [("Café “Zoë”", "naïve")]
    assert parsed.replaced_bytes == replaced


def test_nb_59_a_slightly_wrong_feed_is_used() -> None:
    parsed = read(
        rss("<item><title>Fish & chips</title><link>/a</link></item>\n<item><title>B<br></title></item>")
    )
    assert parsed.items[0].title == "Fish & chips"
    assert parsed.items[0].link == "https://paper.example.org/a"


def test_entities_do_not_grow() -> None:
    bomb = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(8))
    source = f'<!DOCTYPE rss [<!ENTITY l0 "ha">{bomb}]>' + rss("<item><title>x &l8; y</title></item>", "")
    parsed = read(source)
    assert all(len(item.title) < 1000 for item in parsed.items)


RICH = rss(
    f"<item><guid>1</guid><link>/a</link><title>Café</title>{DATED}<description>&lt;p&gt;x</description></item>"
).encode()


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, len(RICH)), start=st.integers(0, len(RICH)), noise=st.binary(max_size=20))
def test_any_bytes_give_a_feed_or_the_one_error(cut: int, start: int, noise: bytes) -> None:
    for body in (RICH[:cut] + noise, RICH[:cut] + noise + RICH[start:]):
        try:
            assert read(body).title is not None
        except NotAFeed as refused:
            assert refused.message
