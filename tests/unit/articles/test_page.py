from datetime import UTC, datetime

import pytest
from lxml import html
from lxml.html import HtmlElement

from service.articles import page, spelling

HERE = "https://paper.example.org/2026/story.html"


def parsed(head: str, body: str = "<p>Text</p>") -> HtmlElement:
    document = html.document_fromstring(f"<html><head>{head}</head><body>{body}</body></html>")
    assert isinstance(document, HtmlElement)
    return document


@pytest.mark.parametrize(
    "url",
    [
        "http://paper.example.org/a",
        "https://paper.example.org/a/",
        "https://PAPER.example.org:443/a#part",
        "http://paper.example.org:80/a?utm_source=memo&utm_medium=mail",
        "https://paper.example.org./a?fbclid=1&gclid=2",
        " https://paper.example.org/%61 ",
    ],
)
def test_one_article_has_one_key(url: str) -> None:
    assert spelling.normalised(url) == "https://paper.example.org/a"
    assert spelling.key(url) == spelling.key("https://paper.example.org/a")
    assert len(spelling.key(url)) == 64


@pytest.mark.parametrize(
    "url",
    ["https://paper.example.org/A", "https://paper.example.org/a?id=1", "https://paper.example.org:8443/a",
     "https://other.example.org/a", "https://paper.example.org/a/b", "https://[::1", "", "münchen", "http://a:b/"],
)  # fmt: skip
def test_other_addresses_have_other_keys(url: str) -> None:
    assert spelling.normalised(url) != "https://paper.example.org/a"


def test_a_host_beyond_ascii_has_one_spelling() -> None:
    assert spelling.normalised("https://münchen.example.org/ä") == spelling.normalised(
        "https://xn--mnchen-3ya.example.org/%C3%A4"
    )


@pytest.mark.parametrize(
    ("head", "url"),
    [
        ('<link rel="canonical" href="/2026/real.html#top">', "https://paper.example.org/2026/real.html"),
        (
            '<link rel="Canonical nofollow" href="https://www.paper.example.org/r">',
            "https://www.paper.example.org/r",
        ),
        ('<meta property="og:url" content="http://paper.example.org/r">', "https://paper.example.org/r"),
        ('<link rel="canonical" href="https://evil.example.net/r">', HERE),
        ('<link rel="canonical" href="https://paper.example.org/">', HERE),
        ('<link rel="canonical" href="https://paper.example.org:8443/r">', HERE),
        ('<link rel="canonical" href="javascript:alert(1)">', HERE),
        ('<link rel="canonical" href="http://[::1/">', HERE),
        ('<link rel="canonical">', HERE),
        ("", HERE),
    ],
)
def test_nb_65_the_canonical_address_is_the_pages_own_or_the_final_one(head: str, url: str) -> None:
    assert page.canonical(parsed(head), HERE + "#x") == url


def test_nb_65_an_amp_page_names_its_article() -> None:
    head = '<link rel="canonical" href="https://www.paper.example.org/2026/story.html">'
    assert (
        page.canonical(parsed(head), "https://amp.paper.example.org/story")
        == "https://www.paper.example.org/2026/story.html"
    )


def test_facts_come_from_json_ld_first() -> None:
    head = """<script type="application/ld+json">{"@graph": [{"@type": "WebSite", "name": "No"},
      {"@type": ["NewsArticle"], "headline": "The  headline", "description": "The deck", "articleSection": ["City"],
       "author": [{"name": "Ann Orr"}, {"name": "Bo Lind"}, {"name": "Cy Fenn"}], "datePublished": "2026-11-24T16:05:00-05:00",
       "commentCount": "48", "discussionUrl": "/talk", "image": {"url": "/lead.jpg"}, "isAccessibleForFree": false}]}</script>
      <meta property="og:title" content="Another | Paper">"""
    facts = page.read(parsed(head), HERE)
    assert (facts.headline, facts.deck, facts.section) == ("The headline", "The deck", "City")
    assert facts.byline == "Ann Orr, Bo Lind and Cy Fenn"
    assert facts.published_at == datetime(2026, 11, 24, 21, 5, tzinfo=UTC)
    assert facts.comments == page.Comments(48, "https://paper.example.org/talk")
    assert facts.picture_url == "https://paper.example.org/lead.jpg"
    assert facts.is_behind_paywall


def test_nb_65_facts_fall_back_to_open_graph_and_the_page() -> None:
    head = """<title>The headline | The Paper</title><meta property="og:description" content="The deck">
      <meta property="article:section" content="City"><meta property="og:image" content="/lead.jpg">
      <meta property="og:image:alt" content="A quay"><meta property="og:locale" content="en_GB">"""
    body = """<main><p class="byline">By Ann Orr</p><time datetime="2026-11-24">Tuesday</time>
      <a href="#comments">1,204 comments</a></main>"""
    facts = page.read(parsed(head, body), HERE)
    assert (facts.headline, facts.deck, facts.byline, facts.section) == (
        "The headline",
        "The deck",
        "Ann Orr",
        "City",
    )
    assert (facts.picture_url, facts.picture_alt) == ("https://paper.example.org/lead.jpg", "A quay")
    assert facts.published_at == datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    assert facts.comments == page.Comments(1204, HERE + "#comments")
    assert facts.language == "en-GB"


@pytest.mark.parametrize(
    "data", ["{", "[" * 100_000, "null", "[1, null, {}]", '{"@type": 5}', '{"@type": "Article", "author": 5}']
)
def test_broken_json_ld_is_passed_over(data: str) -> None:
    facts = page.read(
        parsed(f'<title>Only title</title><script type="application/ld+json">{data}</script>'), HERE
    )
    assert (facts.headline, facts.byline, facts.comments) == ("Only title", "", None)
