import pytest
from lxml import html
from lxml.html import HtmlElement

from service.articles import links

HERE = "https://paper.example.org/2026/story.html"


def parsed(source: str) -> HtmlElement:
    document = html.document_fromstring(source)
    assert isinstance(document, HtmlElement)
    return document


def picture(source: str, url: str = HERE) -> str | None:
    document = parsed(f"<body><p>Some text</p>{source}</body>")
    links.settle(document, url)
    found = document.find(".//img")
    return None if found is None else found.get("src")


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ('<img src="/i.png">', "https://paper.example.org/i.png"),
        ('<img src="i.png">', "https://paper.example.org/2026/i.png"),
        ('<img src="//cdn.example.org/i.png">', "https://cdn.example.org/i.png"),
        ('<img src="  i.png\n ">', "https://paper.example.org/2026/i.png"),
        (
            '<img src="data:image/gif;base64,R0" data-src="https://cdn.example.org/r.webp">',
            "https://cdn.example.org/r.webp",
        ),
        ('<img src="/img/placeholder.gif" data-lazy-src="/real.jpg">', "https://paper.example.org/real.jpg"),
        ('<img srcset="/s.jpg 400w, /m.jpg 1200w, /xl.jpg 4000w">', "https://paper.example.org/m.jpg"),
        ('<img srcset="/a.jpg, /b.jpg 2x">', "https://paper.example.org/b.jpg"),
        ('<img srcset="/only.jpg 4000w">', "https://paper.example.org/only.jpg"),
        (
            '<picture><source srcset="/w.webp 900w"><img src="data:,"></picture>',
            "https://paper.example.org/w.webp",
        ),
        ('<base href="https://other.example.org/x/"><img src="i.png">', "https://other.example.org/x/i.png"),
        ('<img src="http://paper.example.org/i.png" width="5000">', "https://paper.example.org/i.png"),
        ('<img src="http://elsewhere.example.net/i.png">', "http://elsewhere.example.net/i.png"),
    ],
)
def test_nb_49_the_picture_a_reader_would_see_is_found(source: str, url: str) -> None:
    assert picture(source) == url


@pytest.mark.parametrize(
    "source",
    [
        '<img src="https://stats.example.net/p" width="1" height="1">',
        '<img src="https://stats.example.net/p" style="display: none">',
        '<img src="https://stats.example.net/p" style="width:1px; height:1px">',
        '<img src="data:image/png;base64,AAAA">',
        '<img src="javascript:alert(1)">',
        '<img src="http://[::1/i.png">',
        '<img alt="no address">',
    ],
)
def test_nb_49_pixels_and_pictures_without_address_go(source: str) -> None:
    assert picture(source) is None


def test_nb_49_a_link_around_nothing_goes_with_its_picture() -> None:
    document = parsed(
        '<body><p>Text <a href="/x"><img src="data:,"></a> more <a href="/y">words <img></a></p></body>'
    )
    links.settle(document, HERE)
    assert [link.get("href") for link in document.iter("a")] == ["https://paper.example.org/y"]
    assert " ".join(str(document.text_content()).split()) == "Text more words"


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("#a", HERE + "#a"),
        ("?p=1", HERE + "?p=1"),
        ("  /b ", "https://paper.example.org/b"),
        ("mailto:tips@example.org", "mailto:tips@example.org"),
        ("javascript:void(0)", None),
        ("JaVaScRiPt:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("data:text/html,x", None),
        ("http://", None),
        ("", None),
    ],
)
def test_nb_49_links_are_absolute_or_no_links(href: str, url: str | None) -> None:
    document = parsed("<body><a>words</a></body>")
    link = document.find(".//a")
    assert link is not None
    link.set("href", href)
    links.settle(document, HERE)
    assert link.get("href") == url
