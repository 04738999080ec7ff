"""Newsletters and articles to try things on, each with one line."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from service.articles import intake
from service.articles.intake import ArticleDraft
from service.articles.models import Article, Source
from service.newsletters import details, publication
from service.newsletters.models import Newsletter

DETAILS: dict[str, Any] = {
    "slug": "morning-memo",
    "name": "Morning Memo",
    "from_name": "The Harbor Ledger",
    "from_address": "memo@ledger.example.org",
    "postal_address": "The Harbor Ledger\n14 Pier Street\nPort Linden",
    "time_zone": "Europe/Berlin",
}
LINES = "The council met on Monday and decided nothing, which took until midnight. It will meet again."


def newsletter(session: Session, now: datetime, /, **changes: Any) -> Newsletter:
    return publication.create(session, details.read(DETAILS | changes), now=now, actor="test")


def draft(number: int, **changes: Any) -> ArticleDraft:
    values: dict[str, Any] = {
        "url": f"https://ledger.example.org/stories/{number}",
        "headline": f"Story number {number}",
        "deck": f"What there is to know about {number}.",
        "body_markdown": f"{LINES}\n\n{LINES}",
        "section": "City",
    }
    return ArticleDraft(**values | changes)


def article(
    session: Session,
    memo: Newsletter,
    number: int,
    *,
    now: datetime,
    source: Source = Source.PAGE,
    **changes: Any,
) -> Article:
    values = {"published_at": now} | changes
    return intake.add(session, memo.id, draft(number, **values), source=source, now=now)
