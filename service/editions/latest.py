"""The newest of one section: pinned articles first, so many at most, and nothing that the edition has already. Pure."""

from collections.abc import Iterable, Set

from service.articles import spelling
from service.articles.models import Article
from service.editions import placing
from service.newsletters.details import DigestRules
from service.rendering.blocks import Brief, Briefs, Document, Item, LatestFromSection, Lead


def briefs(articles: Iterable[Article], rules: DigestRules, *, taken: Set[str]) -> list[Brief]:
    """`articles` newest first; `taken` as `taken_by` and `taken_in` give it."""
    rest = [article for article in articles if article.url and not taken_by([article]) & taken]
    pinned = [spelling.key(url) for url in rules.pinned]
    rest.sort(key=lambda one: pinned.index(one.url_key) if one.url_key in pinned else len(pinned))
    return [
        placing.brief(article).model_copy(update={"text": None}) for article in rest[: rules.latest_count]
    ]


def taken_by(articles: Iterable[Article]) -> set[str]:
    """What the same article is known by wherever it stands: its id, its headline, its address."""
    found: set[str] = set()
    for article in articles:
        found |= {str(article.uid), article.headline.casefold()}
        if article.url_key:
            found.add(article.url_key)
    return found


def taken_in(document: Document) -> set[str]:
    found: set[str] = set()
    for block in document.blocks:
        if isinstance(block, Lead | Item):
            found |= {block.article_uid or "", *_known(block.headline, block.url)}
        elif isinstance(block, Briefs | LatestFromSection):
            for one in block.items:
                found |= _known(one.headline, one.url)
    return found


def _known(headline: str, url: str | None) -> set[str]:
    return {headline.casefold(), *([spelling.key(url)] if url else [])}
