"""An edition made from what is new, as a desk would order it. Pure: articles in, a document out, or None if nothing is new."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.articles.models import Article, Source
from service.editions import latest, layout, placing
from service.newsletters.details import DigestRules
from service.rendering import fields
from service.rendering.blocks import (
    PREHEADER_CHARACTERS,
    Block,
    Briefs,
    Document,
    LatestFromSection,
    Masthead,
    Staff,
)

SUBJECT_LENGTH = 110  # lists of messages show less; what matters stands first
LEAD_WITHIN = timedelta(hours=24)
# Feeds list a piece some time after it was written. What is older than that is no news, however newly it came up.
OLDEST_NEWS = timedelta(days=3)
# A newsletter's first edition has none before it to go by, so it looks back from the newest article.
FIRST_WINDOW = timedelta(days=7)


@dataclass(frozen=True)
class Frame:
    """What stands around the articles. `latest` are articles of `section`, newest first, new or not."""

    language: str
    section: str = ""
    latest: Sequence[Article] = ()
    staff: Sequence[Staff] = ()


def news(articles: Iterable[Article], *, since: datetime | None) -> list[Article]:
    """Those that are news to a reader of the last edition, newest first, none under the same headline twice."""
    found = sorted(articles, key=lambda article: (article.published_at, article.id or 0), reverse=True)
    if since is not None:
        oldest = since - OLDEST_NEWS
    elif found:
        oldest = found[0].published_at - FIRST_WINDOW
    seen: set[str] = set()
    kept = []
    for article in found:
        # What a person took in is meant, whatever its date.
        is_old = article.source is Source.FEED and article.published_at < oldest
        if not is_old and article.headline.casefold() not in seen:
            seen.add(article.headline.casefold())
            kept.append(article)
    return kept


def lead_of(articles: Sequence[Article]) -> Article:
    """The newest with a picture, else the longest, among those of the last day."""
    newest = max(article.published_at for article in articles)
    fresh = [article for article in articles if article.published_at > newest - LEAD_WITHIN]
    pictured = [article for article in fresh if article.picture]
    if pictured:
        return max(pictured, key=lambda article: article.published_at)
    return max(fresh, key=lambda article: len(article.body_markdown))


def section_of(articles: Sequence[Article], rules: DigestRules) -> str:
    """Whose latest stands below: the section that was chosen, else the lead's own."""
    return rules.latest_from or (lead_of(articles).section if articles else "")


def compose(articles: Sequence[Article], frame: Frame, rules: DigestRules) -> Document | None:
    if not articles:
        return None
    lead = lead_of(articles)
    others = [article for article in articles if article is not lead]
    items, briefs = _divided(others, rules)
    placed = [lead, *items, *briefs]
    blocks: list[Block] = [Masthead(), *placing.lead(lead)]
    for article in items:
        blocks += placing.item(article)
    if briefs:
        blocks.append(Briefs(items=[placing.brief(article) for article in briefs]))
    blocks += _latest(placed, frame, rules)
    blocks += frame.staff
    return Document(
        subject=_subject(lead, others, len(placed) - 1, frame.language),
        preheader=layout.trimmed(fields.as_text(lead.deck), PREHEADER_CHARACTERS),
        blocks=blocks,
    )


def _divided(others: Sequence[Article], rules: DigestRules) -> tuple[list[Article], list[Article]]:
    items = list(others[: rules.item_count])
    rest = others[rules.item_count :]
    # A brief only points to a text, so one that can be read nowhere else is an item all the same.
    items += [article for article in rest if not article.url]
    return items, [article for article in rest if article.url][: rules.brief_count]


def _latest(placed: Sequence[Article], frame: Frame, rules: DigestRules) -> list[Block]:
    briefs = latest.briefs(frame.latest, rules, taken=latest.taken_by(placed))
    return [LatestFromSection(section=frame.section, items=briefs)] if frame.section and briefs else []


def _subject(lead: Article, others: Sequence[Article], more: int, language: str) -> str:
    from service.languages import speaking

    if not more:
        return layout.trimmed(fields.as_text(lead.headline), SUBJECT_LENGTH)
    words = speaking.of(language)
    if words.language == language:
        rest = words.count(" — and {n} more story", " — and {n} more stories", more)
    else:
        # No words of ours, which would be in the wrong language.
        rest = f" · {layout.trimmed(fields.as_text(others[0].headline), SUBJECT_LENGTH // 2)}"
    return layout.trimmed(fields.as_text(lead.headline), SUBJECT_LENGTH - len(rest)) + rest
