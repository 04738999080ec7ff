"""The sample newsroom is read as a real one would be: every article, and everything that makes it a newsroom's."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.articles import extraction, feed, spelling
from service.articles.extraction import CouldNotExtract, Extracted

NEWSROOM = Path(__file__).parents[3] / "examples" / "newsroom"
SERVED = "http://localhost:8001/"
ARTICLES = sorted((NEWSROOM / "articles").glob("*.html"))


def read(path: Path) -> Extracted:
    return extraction.extract(
        path.read_bytes(), SERVED + path.relative_to(NEWSROOM).as_posix(), charset="utf-8"
    )


@pytest.fixture(scope="module")
def articles() -> list[Extracted]:
    return [read(path) for path in ARTICLES]


@pytest.mark.parametrize("path", ARTICLES, ids=lambda path: str(path.stem))
def test_every_article_is_read_whole(path: Path) -> None:
    extracted = read(path)
    assert extracted.canonical_url == SERVED + f"articles/{path.name}"
    assert extracted.headline
    assert extracted.headline in path.read_text(encoding="utf-8")
    assert extracted.deck
    assert extracted.byline
    assert not extracted.byline.lower().startswith("by ")
    assert extracted.section
    assert extracted.language == "en"
    assert extracted.published_at is not None
    assert extracted.comments is not None
    assert extracted.comments.url.startswith(extracted.canonical_url)
    assert extracted.warnings == []
    assert len(extracted.body_markdown) > 400
    assert not any(
        stray in extracted.body_markdown for stray in ("Start your day", "cookie", "memokeep", extracted.deck)
    )


def test_there_are_twelve_and_more(articles: list[Extracted]) -> None:
    assert len(articles) >= 12


def test_a_key_graph_has_outlet_speaker_and_link(articles: list[Extracted]) -> None:
    graphs = [graph for article in articles for graph in article.key_graphs]
    assert graphs
    assert all(graph.quote_markdown and graph.outlet and graph.source_url for graph in graphs)
    assert any(graph.speaker for graph in graphs)


def test_a_late_update_is_marked(articles: list[Extracted]) -> None:
    updates = [(article, update) for article in articles for update in article.late_updates]
    assert updates
    for article, update in updates:
        assert update.heading.startswith("Late update")
        assert f"### {update.heading}\n\n{update.text_markdown}" in article.body_markdown


def test_a_document_has_its_title_and_caption(articles: list[Extracted]) -> None:
    documents = [(article, document) for article in articles for document in article.documents]
    assert documents
    for article, document in documents:
        assert document.caption
        assert document.url.startswith(SERVED + "documents/")
        assert f"[Document: {document.title}]({document.url})" in article.body_markdown


def test_pictures_have_alt_text_caption_and_credit(articles: list[Extracted]) -> None:
    pictures = [article.picture for article in articles if article.picture]
    assert len(pictures) >= 3
    for picture in pictures:
        assert picture.url.startswith(SERVED + "images/")
        assert picture.alt
        assert picture.caption
        assert picture.credit


@pytest.mark.parametrize(
    "path",
    sorted([NEWSROOM / "index.html", *(NEWSROOM / "section").glob("*.html")]),
    ids=lambda path: str(path.stem),
)
def test_front_and_section_pages_are_no_articles(path: Path) -> None:
    with pytest.raises(CouldNotExtract):
        read(path)


@pytest.mark.parametrize("path", sorted(NEWSROOM.glob("*.xml")), ids=lambda path: str(path.stem))
def test_its_feeds_name_its_articles(path: Path) -> None:
    now = datetime(2027, 1, 1, tzinfo=UTC)
    parsed = feed.parse(path.read_bytes(), SERVED + path.name, content_type="application/rss+xml", now=now)
    written = {one.stem for one in ARTICLES}
    assert parsed.items
    for item in parsed.items:
        assert item.date_was_readable
        assert item.link is not None
        assert Path(spelling.normalised(item.link)).stem in written
